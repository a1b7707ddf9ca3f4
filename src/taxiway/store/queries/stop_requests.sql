-- Live runs of a runner that somebody wants ended.
SELECT r.name, r.fence, r.stop FROM run r JOIN runner n ON n.id = r.runner
WHERE n.name = :runner AND r.live = 1 AND r.stop IS NOT NULL
