-- The oldest messages that the cap counts.
SELECT seq FROM task WHERE session = :session AND capped = 1 AND seq > :after ORDER BY seq LIMIT :limit
