-- Forget a task's rows in run.
DELETE FROM run WHERE task = :task
