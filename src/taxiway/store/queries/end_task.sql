-- A task reaches a terminal state.
UPDATE task SET state = :state, reason = :reason, ready = 0, open = 0, box = 0, capped = 0, attempt = :attempt, crashes = :crashes, due_at = NULL,
  exit_code = :exit_code, signal = :signal, error = :error, usage = :usage, finished_at = :now, version = :version WHERE seq = :seq
