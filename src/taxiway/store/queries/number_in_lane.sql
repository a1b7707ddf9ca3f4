-- A live run takes a slot number of its lane.
UPDATE run SET lane_slot = :slot WHERE id = :run
