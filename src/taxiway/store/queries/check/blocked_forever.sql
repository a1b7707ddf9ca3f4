-- I8: a blocked task waits for a parent whose end was counted long ago, or for none
SELECT t.id FROM task t WHERE t.state = 'blocked' AND NOT EXISTS (
  SELECT 1 FROM dependency d JOIN task p ON p.seq = d.parent WHERE d.child = t.seq AND d.settled = 0 AND (p.open = 1
    OR EXISTS (SELECT 1 FROM cascade c WHERE c.kind = 'dependents'))) LIMIT 100
