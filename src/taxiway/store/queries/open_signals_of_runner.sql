-- What live runs of a runner have been told and have not settled.
SELECT g.name, r.name, r.fence, g.kind, s.body, g.text FROM run r JOIN runner n ON n.id = r.runner JOIN signal g ON g.run = r.id AND g.settled_at IS NULL
LEFT JOIN spec s ON s.task = g.task
WHERE n.name = :runner AND r.live = 1 ORDER BY g.id
