-- A task's spec and its hash.
SELECT hash, body FROM spec WHERE task = :task
