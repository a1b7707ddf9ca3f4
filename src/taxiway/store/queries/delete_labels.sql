-- Forget a task's rows in label.
DELETE FROM label WHERE task = :task
