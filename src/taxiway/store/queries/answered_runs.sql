-- Waiting runs that may go on and have no slots yet, the first answered first; with the limits of their lane and queue.
SELECT r.id, r.lane, l.size, r.queue, q.slots, r.account FROM run r JOIN lane l ON l.id = r.lane JOIN queue q ON q.id = r.queue
WHERE r.live = 1 AND r.answered_at IS NOT NULL AND r.parked = 1 ORDER BY r.answered_at, r.id
