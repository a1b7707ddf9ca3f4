-- A slot of the queue is free again.
UPDATE queue SET full = 0 WHERE id = :queue AND full = 1 RETURNING state
