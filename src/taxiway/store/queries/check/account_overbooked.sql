-- I3: an account holds more live runs than its highest slot allows
SELECT a.name FROM run r JOIN account a ON a.id = r.account WHERE r.live = 1 AND r.account_slot IS NOT NULL
GROUP BY a.id HAVING count(*) > max(r.account_slot) LIMIT 100
