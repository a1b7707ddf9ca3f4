-- I14: a gate whose queue lets runs through is shut, or another one is open
SELECT g.id FROM gate g JOIN queue q ON q.id = g.queue WHERE g.open <> (q.state = 'running' AND q.full = 0) LIMIT 100
