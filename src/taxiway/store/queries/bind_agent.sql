-- A session belongs to the first agent that it was used with.
UPDATE session SET agent = :agent WHERE id = :session AND agent IS NULL
