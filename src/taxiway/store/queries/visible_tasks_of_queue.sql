-- The next tasks of a queue that no newer ones replaced.
SELECT seq, id FROM task WHERE queue = :queue AND seq > :after AND seq <= :until AND superseded = 0 ORDER BY seq LIMIT :limit
