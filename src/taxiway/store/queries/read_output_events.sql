-- A session's output among a run's events.
SELECT seq, type, at, data, body FROM event WHERE run = :run AND seq > :after
  AND type IN ('message', 'output', 'diff', 'error', 'run.finished') ORDER BY seq LIMIT :limit
