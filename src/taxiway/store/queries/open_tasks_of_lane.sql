-- The next open tasks of a lane, in submission order.
SELECT seq FROM task WHERE open = 1 AND seq > :after AND seq <= :until AND gate IN (SELECT id FROM gate WHERE lane = :lane)
ORDER BY seq LIMIT :limit
