-- Slot numbers that live runs hold in a lane.
SELECT lane_slot FROM run WHERE lane = :lane AND live = 1 AND lane_slot IS NOT NULL
