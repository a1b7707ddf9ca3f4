-- The next open tasks of all, in submission order.
SELECT seq FROM task WHERE open = 1 AND seq > :after AND seq <= :until AND tenant = :tenant ORDER BY seq LIMIT :limit
