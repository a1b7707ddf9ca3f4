-- Pending questions whose time is over.
SELECT name, tenant FROM approval WHERE state = 'pending' AND expires_at IS NOT NULL AND expires_at <= :now ORDER BY expires_at LIMIT :limit
