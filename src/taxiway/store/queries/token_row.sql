-- A token by its id, with the hash of its secret. Whose it is, it says itself: nobody is known before it.
SELECT name, bearer, scope, tenant, created_at, expires_at, used_at, revoked_at, version, single_use, browser, parent, hash
FROM token WHERE name = :name
