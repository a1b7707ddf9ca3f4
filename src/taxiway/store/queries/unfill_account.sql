-- A slot of the account is free again.
UPDATE account SET full = 0 WHERE id = :account AND full = 1
