-- What the messages of a turn ask.
SELECT t.id, s.body FROM task t JOIN spec s ON s.task = t.seq WHERE t.carrier = :seq AND t.box = 5 ORDER BY t.seq
