-- I4: an approval belongs to no run of its task
SELECT a.name FROM approval a WHERE NOT EXISTS (SELECT 1 FROM run r WHERE r.id = a.run AND r.task = a.task) LIMIT 100
