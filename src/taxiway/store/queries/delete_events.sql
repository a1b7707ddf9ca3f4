-- Forget the events of a task's runs.
DELETE FROM event WHERE run IN (SELECT id FROM run WHERE task = :task)
