-- I21: a task's newest change is not in the change log
SELECT t.id FROM task t WHERE t.version > coalesce((SELECT n.forgotten FROM tenant n WHERE n.name = t.tenant), 0)
AND NOT EXISTS (SELECT 1 FROM change c WHERE c.version = t.version) LIMIT 100
