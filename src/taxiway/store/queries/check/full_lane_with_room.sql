-- I14: a lane counts as full although it has room
SELECT l.name FROM lane l WHERE l.full = 1 AND (l.size IS NULL OR l.size >
  (SELECT count(*) FROM run r WHERE r.lane = l.id AND r.live = 1 AND r.lane_slot IS NOT NULL)) LIMIT 100
