-- A task whose run ended goes back to waiting.
UPDATE task SET state = :state, reason = :reason, ready = :ready, attempt = :attempt, crashes = :crashes, due_at = :due_at,
  error = :error, stumbles = :stumbles, version = :version WHERE seq = :seq
