-- A queue moves.
UPDATE queue SET state = :state, full = 0, version = :version WHERE id = :queue
