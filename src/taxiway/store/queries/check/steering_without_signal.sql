-- I14: a message was offered to a turn, and nobody brings it there
SELECT t.id FROM task t WHERE t.box = 4
  AND NOT EXISTS (SELECT 1 FROM signal g WHERE g.task = t.seq AND g.settled_at IS NULL) LIMIT 100
