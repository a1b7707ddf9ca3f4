-- I14: a run is to go on, and a person has still to be asked for it, or it does not wait
SELECT r.name FROM run r WHERE r.live = 1 AND r.answered_at IS NOT NULL AND (r.state <> 'waiting'
OR EXISTS (SELECT 1 FROM approval a WHERE a.run = r.id AND a.state = 'pending')) LIMIT 100
