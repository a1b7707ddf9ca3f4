-- Forget a task's rows in dependency.
DELETE FROM dependency WHERE child = :task
