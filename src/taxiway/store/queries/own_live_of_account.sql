-- How many runs of an account are live, of those of one tenant.
SELECT count(*) FROM run WHERE account = :account AND live = 1 AND account_slot IS NOT NULL AND tenant = :tenant
