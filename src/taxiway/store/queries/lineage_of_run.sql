-- A live run that submits: its task, how deep that is, and how much the run has submitted.
SELECT t.seq, t.depth, (SELECT count(*) FROM task c WHERE c.submitter = r.name)
FROM run r JOIN task t ON t.seq = r.task
WHERE r.name = :run AND r.tenant = :tenant AND r.live = 1 AND t.fence = r.fence
