-- What a task waits for.
SELECT d.parent, d.condition, d.name, p.state, p.reason FROM dependency d JOIN task p ON p.seq = d.parent WHERE d.child = :child
