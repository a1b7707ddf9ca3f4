-- The next stored time that falls due, and whether a cascade waits.
SELECT (SELECT min(due_at) FROM task WHERE state = 'scheduled'),
  (SELECT min(expires_at) FROM task WHERE expires_at IS NOT NULL AND started_at IS NULL AND open = 1),
  EXISTS (SELECT 1 FROM cascade)
