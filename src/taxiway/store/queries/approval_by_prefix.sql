-- Ids of approvals between two bounds.
SELECT name FROM approval WHERE name >= :start AND name < :end LIMIT 50
