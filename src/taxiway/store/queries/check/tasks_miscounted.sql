-- I14: the counts that are kept of a queue's tasks are wrong
SELECT q.name FROM (
  SELECT gate, state, reason, count FROM tally WHERE count > 0
  UNION ALL
  SELECT gate, state, coalesce(reason, ''), -count(*) FROM task WHERE superseded = 0 GROUP BY 1, 2, 3
) c JOIN gate g ON g.id = c.gate JOIN queue q ON q.id = g.queue GROUP BY c.gate, c.state, c.reason HAVING sum(c.count) <> 0 LIMIT 100
