-- Dependents that still wait for a task.
SELECT d.child FROM dependency d JOIN task c ON c.seq = d.child WHERE d.parent = :parent AND d.settled = 0 AND c.open = 1
