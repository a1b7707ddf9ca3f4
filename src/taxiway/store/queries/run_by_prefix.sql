-- Ids of runs between two bounds.
SELECT name FROM run WHERE name >= :start AND name < :end AND tenant = :tenant LIMIT 50
