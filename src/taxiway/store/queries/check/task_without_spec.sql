-- I12: a task has no spec
SELECT t.id FROM task t LEFT JOIN spec s ON s.task = t.seq WHERE s.task IS NULL LIMIT 100
