-- What a run submitted, in order.
SELECT c.seq FROM task c WHERE c.submitter = :run AND c.tenant = :tenant ORDER BY c.seq
