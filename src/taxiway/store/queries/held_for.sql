-- The messages that a session is held for.
SELECT id FROM task WHERE session = :session AND box = 2 ORDER BY seq LIMIT 20
