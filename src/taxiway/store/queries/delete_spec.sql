-- Forget a task's rows in spec.
DELETE FROM spec WHERE task = :task
