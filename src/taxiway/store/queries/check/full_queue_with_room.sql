-- I14: a queue counts as full although it has room
SELECT q.name FROM queue q WHERE q.full = 1 AND (q.slots IS NULL OR q.slots >
  (SELECT count(*) FROM run r WHERE r.queue = q.id AND r.live = 1 AND r.queue_slot IS NOT NULL)) LIMIT 100
