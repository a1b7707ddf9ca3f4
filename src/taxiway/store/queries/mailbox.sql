-- A session's mailbox: its policy, its counts, and what holds it back.
SELECT id, name, key, agent, mode, cap, overflow, debounce_ms, wait_ms, max_concurrent, generation, cutoff, purge, waiting, capped,
  held, live, quiet_at, context_tokens, context_window, archived FROM session WHERE id = :session
