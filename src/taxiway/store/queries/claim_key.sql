-- Take an idempotency key, unless it is taken.
INSERT INTO idempotency (tenant, project, key, hash, task) VALUES (:tenant, :project, :key, :hash, :task)
ON CONFLICT DO NOTHING RETURNING task
