-- What a mutation under a key has done so far.
INSERT INTO reply (tenant, key, hash, done, at) VALUES (:tenant, :key, :hash, :done, :now)
ON CONFLICT (tenant, key) DO UPDATE SET done = excluded.done
