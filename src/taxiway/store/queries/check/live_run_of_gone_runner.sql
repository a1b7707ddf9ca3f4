-- I14: a live run belongs to a runner that is gone
SELECT r.name FROM run r JOIN runner n ON n.id = r.runner WHERE r.live = 1 AND n.state = 'gone' LIMIT 100
