-- The next open tasks of a session, in order of submission.
SELECT seq FROM task WHERE session = :session AND open = 1 AND seq > :after AND seq <= :until ORDER BY seq LIMIT :limit
