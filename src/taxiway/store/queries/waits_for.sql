-- Parents whose end a task still waits for.
SELECT p.id, d.name, p.state FROM dependency d JOIN task p ON p.seq = d.parent WHERE d.child = :child AND d.settled = 0 LIMIT 1000
