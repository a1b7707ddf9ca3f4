-- The next ended tasks of a queue, from the newest back.
SELECT t.urgency, t.position, t.seq, t.state, l.name, t.superseded
FROM task t JOIN gate g ON g.id = t.gate JOIN lane l ON l.id = g.lane
WHERE t.queue = :queue AND t.open = 0 AND t.seq < :before
ORDER BY t.seq DESC LIMIT :limit
