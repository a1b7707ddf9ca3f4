-- How many tasks of a tenant are ready, gate by gate; counting ends.
SELECT count(*) FROM (SELECT 1 FROM queue q CROSS JOIN gate g ON g.queue = q.id CROSS JOIN task t INDEXED BY task_ready ON t.gate = g.id
  WHERE q.tenant = :tenant AND q.open > 0 AND t.ready = 1 LIMIT :most)
