-- Every lane with its live runs.
SELECT l.name, l.size, q.name, (SELECT count(*) FROM run r WHERE r.lane = l.id AND r.live = 1), l.version, l.id
FROM lane l LEFT JOIN queue q ON q.id = l.queue WHERE l.tenant = :tenant ORDER BY l.queue, l.name
