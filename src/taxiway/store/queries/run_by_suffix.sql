-- Ids of runs that end so.
SELECT name FROM run WHERE substr(name, -length(:suffix)) = :suffix AND tenant = :tenant LIMIT 50
