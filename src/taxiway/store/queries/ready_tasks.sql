-- The first ready tasks behind a gate that go before a rival, with their specs, and since when they could have started: their
-- last change, where the log still has it.
SELECT t.seq, t.id, t.project, t.fence, t.attempt, CASE WHEN t.started_at IS NULL THEN t.expires_at END, s.body, t.session,
  (SELECT c.at FROM change c WHERE c.version = t.version)
FROM task t JOIN spec s ON s.task = t.seq
WHERE t.gate = :gate AND t.ready = 1 AND (t.urgency, t.position, t.seq) < (:urgency, :position, :seq)
ORDER BY t.urgency, t.position, t.seq LIMIT :limit
