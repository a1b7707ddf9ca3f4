-- Forget answers older than a time, a page of them.
DELETE FROM reply WHERE (tenant, key) IN (SELECT tenant, key FROM reply WHERE at < :before ORDER BY at LIMIT :limit) RETURNING 1
