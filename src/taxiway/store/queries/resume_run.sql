-- A run that waited goes on.
UPDATE run SET state = 'running', answered_at = NULL WHERE id = :run
