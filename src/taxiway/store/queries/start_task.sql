-- A queued task becomes running under a new fence.
UPDATE task SET state = 'running', reason = NULL, ready = 0, fence = :fence, started_at = coalesce(started_at, :now), version = :version
WHERE seq = :seq
