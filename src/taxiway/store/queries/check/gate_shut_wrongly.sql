-- I14: a gate whose queue and account let runs through is shut, or another one is open
SELECT g.id FROM gate g JOIN queue q ON q.id = g.queue
WHERE g.open <> (q.state = 'running' AND q.full = 0
  AND NOT EXISTS (SELECT 1 FROM account a WHERE a.id = g.account AND (a.phase = 'parked' OR a.full = 1))) LIMIT 100
