-- A run of a session has begun. With its first turn a fork parts from what it began as.
UPDATE session SET live = live + 1, state = 'running', title = CASE WHEN :prompted THEN :title ELSE title END, last_run = :run, archived = 0,
  forked_at = CASE WHEN :prompted AND forked_from IS NOT NULL THEN coalesce(forked_at, :now) ELSE forked_at END,
  active_at = :now, updated_at = :now, version = :version
WHERE id = :session RETURNING name, key, generation, thread, process, held, live, waiting,
  generation = 0 AND forked_from IS NOT NULL, CASE WHEN generation = 0 THEN fork_thread END
