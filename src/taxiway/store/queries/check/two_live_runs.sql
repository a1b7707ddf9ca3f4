-- I2: a task has more than one live run
SELECT t.id FROM run r JOIN task t ON t.seq = r.task WHERE r.live = 1 GROUP BY r.task HAVING count(*) > 1 LIMIT 100
