-- Open gates with ready work that goes before a task, whose lane and account have room.
SELECT g.id, g.lane, l.name, l.size, g.queue, q.project, q.name, q.state, q.slots, g.needs, g.account, g.head_urgency, g.head_position, g.head_seq, q.tenant
FROM gate g JOIN queue q ON q.id = g.queue JOIN lane l ON l.id = g.lane LEFT JOIN account a ON a.id = g.account
WHERE g.open = 1 AND g.head_seq IS NOT NULL AND l.full = 0 AND (a.id IS NULL OR (a.full = 0 AND a.phase <> 'parked'))
  AND (g.head_urgency, g.head_position, g.head_seq) < (:urgency, :position, :seq)
