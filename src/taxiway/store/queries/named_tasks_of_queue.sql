-- What the store holds under each name of a queue.
SELECT t.name, t.seq, t.id, t.state, t.reason, s.hash, t.open FROM task t JOIN spec s ON s.task = t.seq
WHERE t.queue = :queue AND t.superseded = 0
