-- Tasks of a queue by state, reason and lane.
SELECT t.state, t.reason, l.name, t.count FROM gate g JOIN tally t ON t.gate = g.id JOIN lane l ON l.id = g.lane
WHERE g.queue = :queue AND t.count > 0
