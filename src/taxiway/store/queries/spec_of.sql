-- A task's spec.
SELECT body FROM spec WHERE task = :task
