-- The oldest messages that the cap counts, waiting for themselves or as a part of another one's turn.
SELECT * FROM (SELECT seq FROM task WHERE session = :session AND box = 1 AND capped = 1 AND seq > :after ORDER BY seq LIMIT :limit)
UNION ALL
SELECT * FROM (SELECT seq FROM task WHERE session = :session AND box = 3 AND capped = 1 AND seq > :after ORDER BY seq LIMIT :limit)
ORDER BY seq LIMIT :limit
