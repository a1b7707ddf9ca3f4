-- Forget a task's rows in dependency.
DELETE FROM dependency WHERE parent = :task
