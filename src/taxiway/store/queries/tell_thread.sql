-- What a live turn tells of its session.
UPDATE session SET thread = coalesce(:thread, thread), context_tokens = coalesce(:tokens, context_tokens),
  context_window = coalesce(:window, context_window), updated_at = :now
WHERE id = :session AND generation = :generation
