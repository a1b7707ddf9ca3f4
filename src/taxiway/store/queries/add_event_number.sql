-- An event that is not part of its owner's batches takes the next number.
UPDATE run SET events = events + 1 WHERE id = :run RETURNING events
