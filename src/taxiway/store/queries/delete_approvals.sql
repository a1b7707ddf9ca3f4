-- Forget what a task asked.
DELETE FROM approval WHERE task = :task
