-- The approvals of a task.
SELECT name FROM approval WHERE task = :task ORDER BY id
