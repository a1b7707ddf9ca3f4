-- The next messages that ride with a task, which has ended.
SELECT seq, id, queue, attempt, crashes FROM task WHERE carrier = :seq AND box = 5 AND seq > :after ORDER BY seq LIMIT :limit
