-- Ids of runs between two bounds.
SELECT name FROM run WHERE name >= :start AND name < :end LIMIT 50
