-- I14: an instruction has no receipt, and its run has ended
SELECT g.name FROM signal g JOIN run r ON r.id = g.run WHERE g.settled_at IS NULL AND r.live = 0 LIMIT 100
