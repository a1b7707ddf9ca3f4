-- Tasks that are too late to start; what rides in a turn has started with it.
SELECT seq FROM task WHERE expires_at IS NOT NULL AND started_at IS NULL AND open = 1 AND box <> 5 AND expires_at <= :now
ORDER BY expires_at LIMIT :limit
