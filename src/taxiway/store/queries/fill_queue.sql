-- A claim saw every slot of the queue taken.
UPDATE queue SET full = 1 WHERE id = :queue
