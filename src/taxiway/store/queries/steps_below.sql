-- How many steps a task is below another one: 0 for itself, none where it is not.
WITH RECURSIVE up (seq, steps) AS (
  SELECT :task, 0
  UNION ALL
  SELECT r.task, up.steps + 1 FROM up JOIN task t ON t.seq = up.seq JOIN run r ON r.name = t.submitter AND r.tenant = :tenant
  WHERE up.steps < :most)
SELECT steps FROM up WHERE seq = :top ORDER BY steps LIMIT 1
