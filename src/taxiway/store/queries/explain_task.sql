-- A task with everything that gates it.
SELECT t.seq, t.state, t.reason, t.due_at, coalesce(c.at, t.created_at), t.ready,
  g.id, g.lane, l.name, l.size, g.queue, q.project, q.name, q.state, q.slots, g.needs, g.account, t.urgency, t.position, t.seq, t.tenant
FROM task t JOIN gate g ON g.id = t.gate JOIN queue q ON q.id = g.queue JOIN lane l ON l.id = g.lane
LEFT JOIN change c ON c.version = t.version
WHERE t.tenant = :tenant AND t.id = :id
