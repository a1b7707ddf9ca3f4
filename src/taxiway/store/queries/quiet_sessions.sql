-- Sessions whose quiet time is over.
SELECT id, tenant FROM session WHERE quiet_at <= :now ORDER BY quiet_at LIMIT :limit
