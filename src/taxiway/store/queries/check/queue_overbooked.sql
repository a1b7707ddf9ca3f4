-- I3: a queue holds more live runs than its highest slot allows
SELECT q.name FROM run r JOIN queue q ON q.id = r.queue WHERE r.live = 1 AND r.queue_slot IS NOT NULL
GROUP BY q.id HAVING count(*) > max(r.queue_slot) LIMIT 100
