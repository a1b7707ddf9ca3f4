-- Runs of one runner that have not ended.
SELECT r.name, t.id, n.name, r.fence, r.process FROM run r JOIN task t ON t.seq = r.task JOIN runner n ON n.id = r.runner
WHERE n.name = :runner AND r.live = 1 ORDER BY r.id
