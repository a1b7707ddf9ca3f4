-- What a mutation under a key was answered; the first answer stays.
INSERT INTO reply (tenant, key, hash, status, body, at) VALUES (:tenant, :key, :hash, :status, :body, :now)
ON CONFLICT (tenant, key) DO UPDATE SET status = excluded.status, body = excluded.body WHERE status IS NULL
