-- The newest messages of a session that a turn of this generation took, up to a time, the newest first.
SELECT t.seq FROM task t WHERE t.session = :session AND t.open = 0 AND t.finished_at <= :until
AND EXISTS (SELECT 1 FROM run r WHERE r.task = coalesce(t.carrier, t.seq) AND r.generation = :generation)
ORDER BY t.seq DESC LIMIT :limit
