-- I14: a gate of a running queue with room is shut, or one of another queue is open
SELECT g.id FROM gate g JOIN queue q ON q.id = g.queue
WHERE g.open <> (q.state = 'running' AND q.full = 0) LIMIT 100
