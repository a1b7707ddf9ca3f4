-- The run's process is known; its program may start.
UPDATE run SET state = 'running', process = :process, started_at = :now WHERE id = :run
