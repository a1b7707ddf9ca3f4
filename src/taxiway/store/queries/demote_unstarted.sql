-- Admitted messages that could start, and have no slot behind those before them, wait again.
UPDATE task SET box = 1, ready = 0 WHERE session = :session AND box = 2 AND ready = 1 AND seq NOT IN (
  SELECT seq FROM task WHERE session = :session AND box = 2 AND state IN ('queued', 'scheduled') ORDER BY seq LIMIT :free)
RETURNING seq, gate
