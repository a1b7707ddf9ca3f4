-- I2: a live run does not carry its task's newest fence
SELECT r.name FROM run r JOIN task t ON t.seq = r.task WHERE r.live = 1 AND r.fence <> t.fence LIMIT 100
