-- Sessions whose id begins so.
SELECT name FROM session WHERE name >= :start AND name < :end LIMIT 11
