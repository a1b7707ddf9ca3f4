-- Live runs by state.
SELECT state, count(*) FROM run WHERE live = 1 GROUP BY state
