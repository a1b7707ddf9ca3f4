-- I4: events belong to no run
SELECT DISTINCT e.run FROM event e LEFT JOIN run r ON r.id = e.run WHERE r.id IS NULL LIMIT 100
