-- The next ended tasks from the newest back; the plus keeps it on the table itself, which is in that order already.
SELECT t.urgency, t.position, t.seq, t.state, l.name, t.superseded
FROM task t JOIN gate g ON g.id = t.gate JOIN lane l ON l.id = g.lane
WHERE +t.tenant = :tenant AND t.open = 0 AND t.seq < :before
ORDER BY t.seq DESC LIMIT :limit
