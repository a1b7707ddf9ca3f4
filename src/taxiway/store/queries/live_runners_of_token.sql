-- The runners of a key that have their leases.
SELECT name FROM runner WHERE token = :token AND state IN ('live', 'draining') ORDER BY id
