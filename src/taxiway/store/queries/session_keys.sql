-- The keys of the sessions there are.
SELECT DISTINCT key FROM session WHERE tenant = :tenant ORDER BY active_at DESC LIMIT 1000
