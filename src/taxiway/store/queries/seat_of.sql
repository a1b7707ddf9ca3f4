-- Where a task stands in its session's mailbox, and how many messages wait before it.
SELECT s.key, t.box, (SELECT count(*) FROM task w WHERE w.session = t.session AND w.box = 1 AND w.seq < t.seq),
  s.quiet_at, (SELECT c.id FROM task c WHERE c.seq = t.carrier), s.id
FROM task t JOIN session s ON s.id = t.session WHERE t.seq = :seq
