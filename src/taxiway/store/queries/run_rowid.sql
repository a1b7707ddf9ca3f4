-- A run's row.
SELECT id FROM run WHERE name = :name
