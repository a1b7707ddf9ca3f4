-- Tasks that hold a lane's slots.
SELECT t.id FROM run r JOIN task t ON t.seq = r.task WHERE r.lane = :lane AND r.live = 1 AND r.lane_slot IS NOT NULL
