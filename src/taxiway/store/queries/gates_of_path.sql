-- Open gates of a path with ready work, the most urgent head first.
SELECT g.id, g.lane, l.name, l.size, g.queue, q.project, q.name, q.state, q.slots, g.needs, g.account, g.head_urgency, g.head_position, g.head_seq, q.tenant
FROM gate g JOIN queue q ON q.id = g.queue JOIN lane l ON l.id = g.lane
WHERE g.path = :path AND g.open = 1 AND g.head_seq IS NOT NULL
ORDER BY g.head_urgency, g.head_position, g.head_seq LIMIT :limit OFFSET :skip
