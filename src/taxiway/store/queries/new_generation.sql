-- A new conversation.
UPDATE session SET generation = generation + 1, thread = NULL, process = NULL, context_tokens = NULL, context_window = NULL, usage = NULL, summary = NULL,
  state = CASE WHEN live > 0 THEN 'running' ELSE 'idle' END, updated_at = :now, version = :version WHERE id = :session
