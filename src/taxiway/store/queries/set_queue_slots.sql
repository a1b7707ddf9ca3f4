-- A queue's limit changes.
UPDATE queue SET slots = :slots, full = 0, version = :version WHERE id = :queue
