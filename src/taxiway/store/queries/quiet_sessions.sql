-- Sessions whose quiet time is over.
SELECT id FROM session WHERE quiet_at <= :now ORDER BY quiet_at LIMIT :limit
