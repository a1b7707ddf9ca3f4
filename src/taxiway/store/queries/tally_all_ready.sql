-- How many tasks are ready; counting ends.
SELECT count(*) FROM (SELECT 1 FROM task INDEXED BY task_ready WHERE ready = 1 LIMIT :most)
