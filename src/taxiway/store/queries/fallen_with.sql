-- Dependents that fell because of this task.
SELECT c.seq FROM dependency d JOIN task c ON c.seq = d.child
WHERE d.parent = :parent AND c.superseded = 0 AND c.state = 'cancelled' AND c.reason IN ('dependency_failed', 'skipped')
