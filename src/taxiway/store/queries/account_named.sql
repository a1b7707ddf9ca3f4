-- An account by its name.
SELECT id FROM account WHERE tenant = :tenant AND name = :name
