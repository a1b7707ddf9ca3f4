-- I3: a conversation has two live runs
SELECT s.name FROM run r JOIN session s ON s.id = r.session JOIN task t ON t.seq = r.task
WHERE r.live = 1 AND t.gate IN (SELECT id FROM gate WHERE needs LIKE 'agent:%') GROUP BY s.id HAVING count(*) > 1 LIMIT 100
