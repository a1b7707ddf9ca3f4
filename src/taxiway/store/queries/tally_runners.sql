-- Runners that are not gone, of a tenant or ('') of all, by state, with their slots.
SELECT state, count(*), sum(slots) FROM runner WHERE state <> 'gone' AND :tenant IN ('', tenant) GROUP BY state
