-- Forget a task's rows in result.
DELETE FROM result WHERE task = :task
