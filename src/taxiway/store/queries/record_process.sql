-- The process of a run is known, and its program may start; a run of several counts from its first.
UPDATE run SET state = 'running', process = :process, started_at = coalesce(started_at, :now) WHERE id = :run
