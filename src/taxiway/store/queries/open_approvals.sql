-- Questions of a run whose agent has not been told yet.
SELECT id, name, state, why, text, created_at, expires_at FROM approval WHERE run = :run AND open = 1 ORDER BY id
