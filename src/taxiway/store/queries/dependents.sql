-- The next page of a task's unsettled dependents.
SELECT d.child, d.condition, c.state, c.unmet FROM dependency d JOIN task c ON c.seq = d.child
WHERE d.parent = :parent AND d.child > :after AND d.settled = 0 ORDER BY d.child LIMIT :limit
