-- A run waits for a person: it gives its slots back.
UPDATE run SET state = 'waiting', parked = 1, lane_slot = NULL, queue_slot = NULL, account_slot = NULL, answered_at = NULL WHERE id = :run
