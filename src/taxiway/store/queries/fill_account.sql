-- A claim saw every slot of the account taken.
UPDATE account SET full = 1 WHERE id = :account
