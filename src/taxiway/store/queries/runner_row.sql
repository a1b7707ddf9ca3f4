-- A runner's row.
SELECT id, state, beat FROM runner WHERE name = :name
