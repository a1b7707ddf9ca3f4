-- A live run that has its task's newest fence, whosever it is: a token names it, and proves itself by the fence.
SELECT r.name, r.fence, t.id, t.tenant, t.project, s.name
FROM run r JOIN task t ON t.seq = r.task LEFT JOIN session s ON s.id = t.session
WHERE r.name = :run AND r.live = 1 AND t.fence = r.fence
