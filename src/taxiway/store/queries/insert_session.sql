-- A new session.
INSERT INTO session (name, tenant, project, key, agent, mode, cap, overflow, debounce_ms, wait_ms, max_concurrent, title, created_at,
  active_at, updated_at, version)
VALUES (:name, :tenant, :project, :key, :agent, :mode, :cap, :overflow, :debounce_ms, :wait_ms, :max_concurrent, :title, :now,
  :now, :now, :version)
RETURNING id
