-- Whether a dependent that named this failure has completed.
SELECT 1 FROM dependency d JOIN task c ON c.seq = d.child
WHERE d.parent = :parent AND d.condition = 'failed' AND c.state = 'completed' LIMIT 1
