-- What a tenant means by the name of an account: the one that all share, else its own.
SELECT id FROM account WHERE tenant IN (:tenant, 'default') AND name = :name AND (shared = 1 OR tenant = :tenant)
ORDER BY shared DESC LIMIT 1
