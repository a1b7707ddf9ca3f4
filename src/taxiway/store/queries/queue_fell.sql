-- Whether a plan's queue holds a failure that no present task handled, or what fell with one.
SELECT 1 FROM task f WHERE f.queue = :queue AND f.superseded = 0 AND (f.state = 'failed' OR (f.state = 'cancelled' AND f.reason = 'dependency_failed'))
AND NOT (f.state = 'failed' AND EXISTS (
  SELECT 1 FROM dependency d JOIN task c ON c.seq = d.child
  WHERE d.parent = f.seq AND d.condition = 'failed' AND c.superseded = 0 AND c.state = 'completed'))
LIMIT 1
