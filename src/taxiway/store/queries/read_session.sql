-- One session as a reader sees it.
SELECT s.id, s.name, s.key, s.tenant, s.project, s.agent, s.mode, s.cap, s.overflow, s.debounce_ms, s.wait_ms, s.max_concurrent,
  s.generation, s.waiting, s.held, s.live, s.quiet_at, s.thread, s.context_tokens, s.context_window, s.usage, s.title, s.summary, s.state,
  s.archived, s.created_at, s.active_at, s.updated_at, s.version, m.version,
  (SELECT r.name FROM run r WHERE r.id = s.last_run), (SELECT t.id FROM run r JOIN task t ON t.seq = r.task WHERE r.id = s.last_run),
  s.on_limit, s.forked_from
FROM session s LEFT JOIN read_mark m ON m.session = s.id AND m.reader = :reader
WHERE s.name = :name AND s.tenant = :tenant
