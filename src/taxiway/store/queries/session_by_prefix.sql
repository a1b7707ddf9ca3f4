-- Sessions whose id begins so.
SELECT name FROM session WHERE name >= :start AND name < :end AND +tenant = :tenant LIMIT 11
