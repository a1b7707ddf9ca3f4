-- Tasks that hold a queue's slots.
SELECT t.id FROM run r JOIN task t ON t.seq = r.task WHERE r.queue = :queue AND r.live = 1 AND r.queue_slot IS NOT NULL
