-- Every lane, those of the whole store first.
SELECT id FROM lane WHERE tenant = :tenant ORDER BY queue, name
