-- A run of a session has begun.
UPDATE session SET live = live + 1, state = 'running', title = CASE WHEN :prompted THEN :title ELSE title END, last_run = :run, archived = 0,
  active_at = :now, updated_at = :now, version = :version
WHERE id = :session RETURNING name, key, generation, thread, process, held, live, waiting
