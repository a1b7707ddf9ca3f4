-- A session's policy.
UPDATE session SET mode = :mode, cap = :cap, overflow = :overflow, debounce_ms = :debounce_ms, wait_ms = :wait_ms,
  max_concurrent = :max_concurrent, updated_at = :now, version = :version WHERE id = :session
