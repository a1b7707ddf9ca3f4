-- Ids of approvals between two bounds.
SELECT name FROM approval WHERE name >= :start AND name < :end AND tenant = :tenant LIMIT 50
