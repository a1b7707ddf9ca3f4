-- Sessions whose id ends so.
SELECT name FROM session WHERE name LIKE '%' || :suffix LIMIT 11
