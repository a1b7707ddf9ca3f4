-- Whether somebody must still be asked for a run.
SELECT 1 FROM approval WHERE run = :run AND open = 1 AND state = 'pending' LIMIT 1
