-- What moving one task needs.
SELECT seq, id, state, reason, ready, open, gate, queue, urgency, position, attempt, crashes, stop, created_at, due_at, expires_at, fence, name, project,
  session, box, capped, tenant
FROM task WHERE seq = :seq
