-- Every account.
SELECT id FROM account WHERE tenant = :tenant ORDER BY name
