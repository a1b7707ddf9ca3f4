-- Forget a task's idempotency key.
DELETE FROM idempotency WHERE tenant = :tenant AND project = :project AND key = :key AND task = :task
