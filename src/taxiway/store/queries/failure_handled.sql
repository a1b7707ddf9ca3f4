-- Whether a dependent that named this failure has completed, and none fell because of it.
SELECT 1 FROM dependency d JOIN task c ON c.seq = d.child
WHERE d.parent = :parent AND d.condition = 'failed' AND c.state = 'completed'
  AND NOT EXISTS (
    SELECT 1 FROM dependency e JOIN task f ON f.seq = e.child
    WHERE e.parent = :parent AND f.superseded = 0 AND f.state = 'cancelled' AND f.reason = 'dependency_failed')
LIMIT 1
