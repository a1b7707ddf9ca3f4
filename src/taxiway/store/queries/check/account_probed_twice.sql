-- I3: an account that is parked, or is to be probed by one run, was asked by more in its present round
SELECT a.name FROM account a WHERE a.phase <> 'open'
  AND (SELECT count(*) FROM run r WHERE r.account = a.id AND r.live = 1 AND r.account_slot IS NOT NULL AND r.account_round = a.round)
    > (a.phase = 'probing') LIMIT 100
