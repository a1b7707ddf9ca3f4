-- The session is held for this message now.
UPDATE task SET box = 2, ready = 1, capped = 0 WHERE seq = :seq
