-- A mutation under a key begins.
INSERT INTO reply (tenant, key, hash, at) VALUES (:tenant, :key, :hash, :now)
