-- Sessions whose id ends so.
SELECT name FROM session WHERE name LIKE '%' || :suffix AND tenant = :tenant LIMIT 11
