-- An admitted message that has not started waits again.
UPDATE task SET box = 1, ready = 0 WHERE session = :session AND box = 2 AND ready = 1 RETURNING seq, gate
