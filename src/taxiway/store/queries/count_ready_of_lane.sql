-- How many tasks are ready behind a lane, up to a bound.
SELECT count(*) FROM (SELECT 1 FROM gate g JOIN task t ON t.gate = g.id AND t.ready = 1 WHERE g.lane = :lane LIMIT 100000)
