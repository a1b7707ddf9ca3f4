-- Runners that are not gone, by state, with their slots.
SELECT state, count(*), sum(slots) FROM runner WHERE state <> 'gone' AND tenant = :tenant GROUP BY state
