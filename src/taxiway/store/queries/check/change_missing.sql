-- I21: a task's newest change is not in the change log
SELECT t.id FROM task t WHERE t.version > (SELECT min(version) FROM change)
AND NOT EXISTS (SELECT 1 FROM change c WHERE c.version = t.version) LIMIT 100
