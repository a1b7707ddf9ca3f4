-- Live runs of a queue that took no slot number, because it had no limit.
SELECT id FROM run WHERE queue = :queue AND live = 1 AND queue_slot IS NULL AND parked = 0 ORDER BY id
