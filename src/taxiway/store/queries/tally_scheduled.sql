-- How many tasks of a tenant wait for a time; counting ends.
SELECT count(*) FROM (SELECT 1 FROM task INDEXED BY task_scheduled WHERE tenant = :tenant AND state = 'scheduled' LIMIT :most)
