-- A runner's row.
SELECT id, state FROM runner WHERE name = :name
