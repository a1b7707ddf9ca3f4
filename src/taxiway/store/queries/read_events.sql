-- A page of a run's events.
SELECT seq, type, at, data, body FROM event WHERE run = :run AND seq > :after ORDER BY seq LIMIT :limit
