-- One run.
SELECT r.name, t.id, n.name, r.fence, r.attempt, r.state, r.stop, r.outcome, r.reason, r.error,
  r.exit_code, r.signal, r.usage, r.events, r.process, r.claimed_at, r.started_at, r.ended_at, a.name
FROM run r JOIN task t ON t.seq = r.task JOIN runner n ON n.id = r.runner LEFT JOIN account a ON a.id = r.account
WHERE r.name = :name AND r.tenant = :tenant
