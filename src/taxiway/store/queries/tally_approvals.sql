-- How many questions of a tenant's agents wait for a person; counting ends.
SELECT count(*) FROM (SELECT 1 FROM approval INDEXED BY approval_pending_of WHERE tenant = :tenant AND state = 'pending' LIMIT :most)
