-- The next ended tasks that are old enough to forget and that no open task waits for.
SELECT t.seq FROM task t JOIN queue q ON q.id = t.queue
WHERE +t.tenant = :tenant AND t.open = 0 AND t.finished_at < :before AND t.seq > :after
  AND (q.standing = 1 OR q.state IN ('completed', 'failed', 'idle') OR t.superseded = 1)
  AND NOT EXISTS (SELECT 1 FROM dependency d JOIN task c ON c.seq = d.child WHERE d.parent = t.seq AND c.open = 1)
ORDER BY t.seq LIMIT :limit
