-- Forget a task's rows in task.
DELETE FROM task WHERE seq = :task
