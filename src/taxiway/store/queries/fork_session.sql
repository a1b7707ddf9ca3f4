-- A new session that begins as another one is: of the same agent, with the same policy.
INSERT INTO session (name, tenant, project, key, agent, mode, cap, overflow, debounce_ms, wait_ms, max_concurrent, on_limit, context_window,
  title, created_at, active_at, updated_at, version, forked_from, fork_generation, fork_thread)
SELECT :name, tenant, project, :key, agent, mode, cap, overflow, debounce_ms, wait_ms, max_concurrent, on_limit, context_window,
  coalesce(:title, title), :now, :now, :now, :version, name, generation, coalesce(thread, CASE WHEN generation = 0 THEN fork_thread END)
FROM session WHERE id = :session
