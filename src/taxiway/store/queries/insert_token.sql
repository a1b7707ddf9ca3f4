-- A token that was just made.
INSERT INTO token (name, tenant, bearer, scope, hash, created_at, expires_at, version, single_use, browser, parent)
VALUES (:name, :tenant, :bearer, :scope, :hash, :now, :expires_at, :version, :single_use, :browser, :parent)
