-- Living runners, what they take, and how much they have going.
SELECT n.name, n.scope, n.slots, (SELECT count(*) FROM run r WHERE r.runner = n.id AND r.live = 1 AND r.parked = 0) FROM runner n WHERE n.state = 'live'
