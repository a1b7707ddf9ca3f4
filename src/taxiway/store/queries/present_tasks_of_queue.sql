-- What the store holds in a queue that no newer tasks replaced, with or without a name.
SELECT t.name, t.seq, t.id, t.state, t.reason, s.hash FROM task t JOIN spec s ON s.task = t.seq
WHERE t.queue = :queue AND t.superseded = 0
