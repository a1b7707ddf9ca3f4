-- The account of a run, and the round in which it took its slot.
SELECT account, account_round, account_answered FROM run WHERE id = :run
