-- The newest present task of a name in each queue and project; a queue may be named too.
SELECT t.id, t.project, max(t.seq) FROM queue q JOIN task t ON t.queue = q.id
WHERE q.tenant = :tenant AND (:queue IS NULL OR q.name = :queue) AND t.name = :name AND t.superseded = 0
GROUP BY q.id, t.project
