-- The number of a tenant's newest change.
SELECT max(version) FROM change WHERE tenant = :tenant
