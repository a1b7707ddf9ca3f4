-- The next messages of a session that joined it and are not carried by what runs, in order of submission.
SELECT * FROM (SELECT seq FROM task WHERE session = :session AND box = 1 AND seq > :after AND seq <= :until ORDER BY seq LIMIT :limit)
UNION ALL
SELECT * FROM (SELECT seq FROM task WHERE session = :session AND box = 2 AND seq > :after AND seq <= :until ORDER BY seq LIMIT :limit)
UNION ALL
SELECT * FROM (SELECT seq FROM task WHERE session = :session AND box = 3 AND seq > :after AND seq <= :until ORDER BY seq LIMIT :limit)
UNION ALL
SELECT * FROM (SELECT seq FROM task WHERE session = :session AND box = 4 AND seq > :after AND seq <= :until ORDER BY seq LIMIT :limit)
ORDER BY seq LIMIT :limit
