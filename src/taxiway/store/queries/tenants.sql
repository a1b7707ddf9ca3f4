-- Every tenant.
SELECT name FROM tenant ORDER BY name
