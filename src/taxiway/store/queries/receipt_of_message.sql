-- How far the last instruction got that brought a message.
SELECT g.name, g.kind, g.state, g.why, r.name FROM signal g JOIN run r ON r.id = g.run JOIN task t ON t.seq = g.task WHERE t.id = :task AND t.tenant = :tenant
ORDER BY g.id DESC LIMIT 1
