-- Ids of tasks between two bounds.
SELECT id FROM task WHERE id >= :start AND id < :end LIMIT 50
