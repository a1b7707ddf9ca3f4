-- The next tasks in order.
SELECT t.urgency, t.position, t.seq, t.state, l.name, t.superseded
FROM task t JOIN gate g ON g.id = t.gate JOIN lane l ON l.id = g.lane
WHERE t.tenant = :tenant AND (t.urgency, t.position, t.seq) > (:urgency, :position, :seq)
ORDER BY t.urgency, t.position, t.seq LIMIT :limit
