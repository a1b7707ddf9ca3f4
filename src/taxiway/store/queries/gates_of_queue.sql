-- Open gates of a queue with ready work whose lane and account let it through, the most urgent head first.
SELECT g.id, g.lane, l.name, l.size, g.queue, q.project, q.name, q.state, q.slots, g.needs, g.account, g.head_urgency, g.head_position, g.head_seq, q.tenant
FROM gate g JOIN queue q ON q.id = g.queue JOIN lane l ON l.id = g.lane LEFT JOIN account a ON a.id = g.account
WHERE g.queue = :queue AND g.open = 1 AND g.head_seq IS NOT NULL AND l.full = 0 AND l.stopped = 0
  AND (a.id IS NULL OR (a.full = 0 AND a.phase <> 'parked'))
ORDER BY g.head_urgency, g.head_position, g.head_seq LIMIT :limit OFFSET :skip
