-- I14: a live run belongs to a task that is not running
SELECT r.name FROM run r JOIN task t ON t.seq = r.task WHERE r.live = 1 AND t.state NOT IN ('running', 'waiting') LIMIT 100
