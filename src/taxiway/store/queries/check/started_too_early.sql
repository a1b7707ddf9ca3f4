-- I8: a task ran although a condition was not met
SELECT c.id FROM dependency d JOIN task c ON c.seq = d.child JOIN task p ON p.seq = d.parent
WHERE c.started_at IS NOT NULL AND (p.open = 1 OR (d.condition <> 'finished' AND p.state <> d.condition)) LIMIT 100
