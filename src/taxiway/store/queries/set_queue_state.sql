-- A queue moves.
UPDATE queue SET state = :state, version = :version WHERE id = :queue
