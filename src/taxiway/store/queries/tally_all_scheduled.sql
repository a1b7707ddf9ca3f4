-- How many tasks wait for a time; counting ends.
SELECT count(*) FROM (SELECT 1 FROM task INDEXED BY task_due WHERE state = 'scheduled' LIMIT :most)
