-- It opens nothing any more.
UPDATE token SET revoked_at = :now, version = :version WHERE name = :name AND tenant = :tenant
