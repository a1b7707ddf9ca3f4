-- I3: a session has more live runs than its highest slot allows
SELECT s.name FROM run r JOIN session s ON s.id = r.session WHERE r.live = 1
GROUP BY s.id HAVING count(*) > max(r.session_slot) LIMIT 100
