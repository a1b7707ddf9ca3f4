-- Names of tasks in a queue.
SELECT name FROM task WHERE queue = :queue AND superseded = 0 AND name IS NOT NULL LIMIT 1000
