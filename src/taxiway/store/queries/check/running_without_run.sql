-- I14: a running task has no live run
SELECT t.id FROM task t WHERE t.state IN ('running', 'waiting')
AND NOT EXISTS (SELECT 1 FROM run r WHERE r.task = t.seq AND r.live = 1) LIMIT 100
