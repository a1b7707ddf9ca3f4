-- I14: a task waits for a person and its live run does not, or the other way round
SELECT t.id FROM run r JOIN task t ON t.seq = r.task WHERE r.live = 1 AND (r.state = 'waiting') <> (t.state = 'waiting') LIMIT 100
