-- A run's row, and the number of its last event.
SELECT id, events FROM run WHERE name = :name AND tenant = :tenant
