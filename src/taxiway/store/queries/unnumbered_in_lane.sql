-- Live runs of a lane that took no slot number, because it had no limit.
SELECT id FROM run WHERE lane = :lane AND live = 1 AND lane_slot IS NULL AND parked = 0 ORDER BY id
