-- One approval with what is known of its task.
SELECT a.id, a.name, t.id, r.name, a.state, a.text, a.tool, a.input, t.name, s.key, p.body,
  a.why, a.actor, a.created_at, a.expires_at, a.decided_at, a.version, a.words
FROM approval a JOIN run r ON r.id = a.run JOIN task t ON t.seq = a.task JOIN spec p ON p.task = t.seq
LEFT JOIN session s ON s.id = t.session
WHERE a.name = :name AND a.tenant = :tenant
