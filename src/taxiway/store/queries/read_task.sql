-- One task with all that came of it.
SELECT t.seq, t.id, t.tenant, t.project, t.state, t.reason, t.attempt, t.fence, t.crashes, t.unmet,
  t.created_at, t.due_at, t.expires_at, t.started_at, t.finished_at,
  t.exit_code, t.signal, t.error, t.usage, t.retry_of, t.superseded, t.version, s.body, r.output, r.value,
  (SELECT n.name FROM run n WHERE n.task = t.seq AND n.live = 1),
  (SELECT e.name FROM session e WHERE e.id = t.session), t.box, (SELECT c.id FROM task c WHERE c.seq = t.carrier),
  t.submitter
FROM task t JOIN spec s ON s.task = t.seq LEFT JOIN result r ON r.task = coalesce(t.carrier, t.seq)
WHERE t.seq = :seq
