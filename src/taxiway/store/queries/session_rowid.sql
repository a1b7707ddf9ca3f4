-- A session's row.
SELECT id, version FROM session WHERE name = :name AND tenant = :tenant
