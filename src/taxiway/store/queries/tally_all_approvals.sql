-- How many questions wait for a person; counting ends.
SELECT count(*) FROM (SELECT 1 FROM approval INDEXED BY approval_pending WHERE state = 'pending' LIMIT :most)
