-- Ids of tasks between two bounds.
SELECT id FROM task WHERE tenant = :tenant AND id >= :start AND id < :end LIMIT 50
