-- I14: a queue's count of open tasks is wrong
SELECT q.name FROM queue q WHERE q.open <> (SELECT count(*) FROM task t WHERE t.queue = q.id AND t.open = 1) LIMIT 100
