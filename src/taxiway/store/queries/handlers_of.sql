-- Present dependents that named this failure and have completed; none where another fell because of it.
SELECT c.queue, c.name FROM dependency d JOIN task c ON c.seq = d.child
WHERE d.parent = :parent AND d.condition = 'failed' AND c.superseded = 0 AND c.state = 'completed'
  AND NOT EXISTS (
    SELECT 1 FROM dependency e JOIN task f ON f.seq = e.child
    WHERE e.parent = :parent AND f.superseded = 0 AND f.state = 'cancelled' AND f.reason = 'dependency_failed')
