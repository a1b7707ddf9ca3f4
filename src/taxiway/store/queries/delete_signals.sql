-- Forget the instructions to a task's runs, and those that brought it.
DELETE FROM signal WHERE task = :task OR run IN (SELECT id FROM run WHERE task = :task)
