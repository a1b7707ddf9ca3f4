-- I3: a run works in a limited lane and holds no slot of it
SELECT r.name FROM run r JOIN lane l ON l.id = r.lane WHERE r.live = 1 AND r.parked = 0 AND l.size IS NOT NULL AND r.lane_slot IS NULL LIMIT 100
