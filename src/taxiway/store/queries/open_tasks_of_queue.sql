-- The next open tasks of a queue, in submission order.
SELECT seq FROM task WHERE queue = :queue AND open = 1 AND seq > :after AND seq <= :until ORDER BY seq LIMIT :limit
