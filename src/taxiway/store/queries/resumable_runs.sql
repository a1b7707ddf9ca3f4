-- Runs of a runner that may go on and have their slots again, the first answered first.
SELECT r.id, r.name, r.fence, r.task, t.id, r.tenant FROM run r JOIN task t ON t.seq = r.task JOIN runner n ON n.id = r.runner
WHERE r.live = 1 AND r.answered_at IS NOT NULL AND r.parked = 0 AND n.name = :runner ORDER BY r.answered_at, r.id LIMIT :limit
