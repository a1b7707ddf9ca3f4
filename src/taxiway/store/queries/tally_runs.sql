-- Live runs by state, of a tenant or ('') of all.
SELECT state, count(*) FROM run WHERE live = 1 AND :tenant IN ('', tenant) GROUP BY state
