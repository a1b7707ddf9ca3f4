-- How far an instruction got.
SELECT g.name, g.kind, g.state, g.why, r.name FROM signal g JOIN run r ON r.id = g.run WHERE g.name = :name AND r.tenant = :tenant
