-- The live run of a task.
SELECT id, name, fence, runner FROM run WHERE task = :task AND live = 1
