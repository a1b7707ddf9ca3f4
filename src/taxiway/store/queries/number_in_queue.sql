-- A live run takes a slot number of its queue.
UPDATE run SET queue_slot = :slot WHERE id = :run
