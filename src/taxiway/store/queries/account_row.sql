-- An account, with how many of its runs are live, and how many of its present round.
SELECT a.name, a.size, a.width, a.threshold, a.credit, a.phase, a.round, a.strikes, a.kind, a.why, a.by_hand, a.since, a.until,
  a.version, a.full, a.tenant, a.shared,
  (SELECT count(*) FROM run r WHERE r.account = a.id AND r.live = 1 AND r.account_slot IS NOT NULL),
  (SELECT count(*) FROM run r WHERE r.account = a.id AND r.live = 1 AND r.account_slot IS NOT NULL AND r.account_round = a.round)
FROM account a WHERE a.id = :account
