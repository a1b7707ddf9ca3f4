-- The next tasks of a queue in order, those that are open or those that have ended.
SELECT t.urgency, t.position, t.seq, t.state, l.name, t.superseded
FROM task t JOIN gate g ON g.id = t.gate JOIN lane l ON l.id = g.lane
WHERE t.queue = :queue AND t.open = :open AND (t.urgency, t.position, t.seq) > (:urgency, :position, :seq)
ORDER BY t.urgency, t.position, t.seq LIMIT :limit
