-- I4: a run's events are not numbered 1, 2, 3 without gap
SELECT r.name FROM run r LEFT JOIN event e ON e.run = r.id
GROUP BY r.id HAVING count(e.seq) <> r.events OR coalesce(max(e.seq), 0) <> r.events OR coalesce(min(e.seq), 1) <> 1 LIMIT 100
