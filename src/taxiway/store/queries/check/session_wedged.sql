-- I14: messages wait in a session that has room, and nothing is on its way to admit one
SELECT s.name FROM session s WHERE s.waiting > 0 AND s.quiet_at IS NULL AND s.held = s.live AND s.held < CASE
    WHEN s.agent IS NOT NULL OR s.context_tokens >= 0.6 * nullif(s.context_window, 0) THEN 1 ELSE s.max_concurrent END
  AND NOT EXISTS (SELECT 1 FROM cascade c WHERE c.subject = s.id AND c.kind LIKE 'session_%') LIMIT 100
