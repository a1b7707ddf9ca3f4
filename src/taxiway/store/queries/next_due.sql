-- The next stored time that falls due, and whether a cascade waits.
SELECT (SELECT min(due_at) FROM task WHERE state = 'scheduled'),
  (SELECT min(expires_at) FROM task WHERE expires_at IS NOT NULL AND started_at IS NULL AND open = 1 AND box <> 5),
  (SELECT min(quiet_at) FROM session WHERE quiet_at IS NOT NULL),
  (SELECT min(expires_at) FROM approval WHERE state = 'pending' AND expires_at IS NOT NULL),
  (SELECT min(until) FROM account WHERE until IS NOT NULL),
  EXISTS (SELECT 1 FROM cascade)
