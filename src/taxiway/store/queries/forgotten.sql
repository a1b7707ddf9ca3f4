-- Up to which number changes of a tenant have been forgotten.
SELECT forgotten FROM tenant WHERE name = :tenant
