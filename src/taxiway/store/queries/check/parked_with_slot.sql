-- I3: a run that gave its slots back holds one, or one that waits for a person has not given them back
SELECT r.name FROM run r WHERE r.live = 1 AND ((r.parked = 1 AND (r.lane_slot IS NOT NULL OR r.queue_slot IS NOT NULL))
OR (r.parked = 1 AND r.state IN ('starting', 'running')) OR (r.parked = 0 AND r.state = 'waiting' AND r.answered_at IS NULL)) LIMIT 100
