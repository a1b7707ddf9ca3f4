-- A lane with its live runs (in a limited one each has a slot), and its ready tasks up to a bound.
SELECT l.name, l.size, q.name,
  CASE WHEN l.size IS NULL THEN (SELECT count(*) FROM run r WHERE r.lane = l.id AND r.live = 1 AND r.parked = 0)
    ELSE (SELECT count(*) FROM run r WHERE r.lane = l.id AND r.live = 1 AND r.lane_slot IS NOT NULL) END,
  (SELECT count(*) FROM (
    SELECT 1 FROM gate g JOIN task t ON t.gate = g.id AND t.ready = 1
    WHERE g.lane = l.id AND g.head_seq IS NOT NULL LIMIT :most) AS waiting),
  l.stopped, l.version
FROM lane l LEFT JOIN queue q ON q.id = l.queue WHERE l.id = :lane
