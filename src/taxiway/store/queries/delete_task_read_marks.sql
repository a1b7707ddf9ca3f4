-- Forget who has seen a task.
DELETE FROM task_read_mark WHERE task = :task
