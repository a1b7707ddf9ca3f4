-- A waiting run has its slots again.
UPDATE run SET parked = 0, lane_slot = :lane_slot, queue_slot = :queue_slot, account_slot = :account_slot WHERE id = :run
