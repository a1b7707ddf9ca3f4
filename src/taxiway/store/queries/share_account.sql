-- An account is one allowance from now on, whoever uses it.
UPDATE account SET shared = 1 WHERE id = :account
