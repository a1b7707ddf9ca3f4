-- Tasks of a queue by state, reason and lane.
SELECT t.state, t.reason, l.name, count(*), max(t.version) FROM task t JOIN gate g ON g.id = t.gate JOIN lane l ON l.id = g.lane
WHERE t.queue = :queue AND t.superseded = 0 GROUP BY t.state, t.reason, l.name
