-- I14: a question is open, and its run does not wait for the answer
SELECT a.name FROM approval a LEFT JOIN run r ON r.id = a.run
WHERE a.open = 1 AND (r.id IS NULL OR r.live = 0 OR r.state <> 'waiting') LIMIT 100
