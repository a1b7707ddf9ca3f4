-- I3: a lane holds more live runs than its highest slot allows
SELECT l.name FROM run r JOIN lane l ON l.id = r.lane WHERE r.live = 1 AND r.lane_slot IS NOT NULL
GROUP BY l.id HAVING count(*) > max(r.lane_slot) LIMIT 100
