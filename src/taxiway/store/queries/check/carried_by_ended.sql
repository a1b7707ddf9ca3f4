-- I14: a message is carried by a task that has ended
SELECT t.id FROM task t JOIN task c ON c.seq = t.carrier WHERE t.open = 1 AND c.open = 0 AND t.box IN (3, 5)
  AND NOT EXISTS (SELECT 1 FROM cascade x WHERE (x.kind = 'carried' AND x.subject = c.seq)
    OR (x.kind LIKE 'session_%' AND x.subject = t.session)) LIMIT 100
