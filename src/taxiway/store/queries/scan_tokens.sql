-- A tenant's tokens, oldest first.
SELECT name, bearer, scope, tenant, created_at, expires_at, used_at, revoked_at, version, single_use FROM token WHERE tenant = :tenant ORDER BY id
