-- The first ready tasks behind a gate that go before a task and are not too late to start.
SELECT urgency, position, seq FROM task
WHERE gate = :gate AND ready = 1 AND (urgency, position, seq) < (:urgency, :position, :seq)
  AND (expires_at IS NULL OR expires_at > :now OR started_at IS NOT NULL)
ORDER BY urgency, position, seq LIMIT :limit
