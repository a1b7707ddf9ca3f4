-- I14: an account counts as full although it has room
SELECT a.name FROM account a WHERE a.full = 1 AND CASE a.phase
  WHEN 'parked' THEN 0
  WHEN 'probing' THEN NOT EXISTS (SELECT 1 FROM run r WHERE r.account = a.id AND r.live = 1 AND r.account_slot IS NOT NULL AND r.account_round = a.round)
  ELSE min(coalesce(a.size, 1000000), coalesce(a.width, 1000000)) > (SELECT count(*) FROM run r WHERE r.account = a.id AND r.live = 1 AND r.account_slot IS NOT NULL)
END LIMIT 100
