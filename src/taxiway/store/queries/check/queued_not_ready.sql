-- I14: a queued task is not in its gate's order
SELECT id FROM task WHERE state = 'queued' AND ready = 0 AND (session IS NULL OR box = 0 OR box = 2) LIMIT 100
