-- A run of a session has ended; what it tells counts only in its own generation.
UPDATE session SET live = live - 1, state = CASE WHEN live = 1 THEN 'terminal' ELSE state END,
  summary = CASE WHEN generation = :generation AND :summary IS NOT NULL THEN :summary ELSE summary END,
  usage = CASE WHEN generation = :generation AND :usage IS NOT NULL THEN :usage ELSE usage END,
  active_at = :now, updated_at = :now, version = :version
WHERE id = :session
