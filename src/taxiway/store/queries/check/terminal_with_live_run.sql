-- I12: an ended task has a live run
SELECT t.id FROM task t JOIN run r ON r.task = t.seq AND r.live = 1 WHERE t.open = 0 LIMIT 100
