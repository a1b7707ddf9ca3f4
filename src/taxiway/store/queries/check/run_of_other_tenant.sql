-- I10: a run, or what it was told or asks, is of another tenant than its task, or in a queue, a lane or a session of one
SELECT r.name FROM run r JOIN task t ON t.seq = r.task JOIN queue q ON q.id = r.queue JOIN lane l ON l.id = r.lane
LEFT JOIN session s ON s.id = r.session
WHERE t.tenant <> r.tenant OR q.tenant <> r.tenant OR l.tenant <> r.tenant OR s.tenant <> r.tenant
  OR EXISTS (SELECT 1 FROM approval a WHERE a.run = r.id AND a.tenant <> r.tenant)
  OR EXISTS (SELECT 1 FROM signal g JOIN task m ON m.seq = g.task WHERE g.run = r.id AND m.tenant <> r.tenant) LIMIT 100
