-- A session's conversation is held by this process from now on.
UPDATE session SET process = :process WHERE name = :session
