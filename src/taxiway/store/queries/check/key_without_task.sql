-- I9: an idempotency key stands for a task that is not there
SELECT i.key FROM idempotency i LEFT JOIN task t ON t.tenant = i.tenant AND t.id = i.task WHERE t.seq IS NULL LIMIT 100
