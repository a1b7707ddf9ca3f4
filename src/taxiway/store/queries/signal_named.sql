-- A signal by its id: its row, its run, what it brings, and whether it is settled.
SELECT g.id, g.run, r.name, g.kind, t.id, g.settled_at IS NOT NULL
FROM signal g JOIN run r ON r.id = g.run LEFT JOIN task t ON t.seq = g.task WHERE g.name = :name AND r.tenant = :tenant
