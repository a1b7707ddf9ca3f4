-- What an idempotency key stands for.
SELECT hash, task FROM idempotency WHERE tenant = :tenant AND project = :project AND key = :key
