-- I10: a task stands in a queue, a lane, a session or a turn of another tenant
SELECT t.id FROM task t JOIN queue q ON q.id = t.queue JOIN gate g ON g.id = t.gate JOIN lane l ON l.id = g.lane
LEFT JOIN session s ON s.id = t.session LEFT JOIN task c ON c.seq = t.carrier
WHERE g.queue <> t.queue OR q.tenant <> t.tenant OR l.tenant <> t.tenant OR s.tenant <> t.tenant OR c.tenant <> t.tenant LIMIT 100
