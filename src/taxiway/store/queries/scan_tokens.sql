-- A tenant's tokens, oldest first; links that sign a browser in are none that anybody keeps.
SELECT name, bearer, scope, tenant, created_at, expires_at, used_at, revoked_at, version, single_use, browser, parent
FROM token WHERE tenant = :tenant AND browser IS NOT 'link' ORDER BY id
