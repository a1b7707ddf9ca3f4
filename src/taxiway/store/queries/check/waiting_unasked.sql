-- I14: a run waits for a person whom it has not asked anything
SELECT r.name FROM run r WHERE r.live = 1 AND r.state = 'waiting' AND r.answered_at IS NULL
AND NOT EXISTS (SELECT 1 FROM approval a WHERE a.run = r.id AND a.open = 1 AND a.state = 'pending') LIMIT 100
