-- I10: a task waits for one of another tenant
SELECT c.id FROM dependency d JOIN task c ON c.seq = d.child JOIN task p ON p.seq = d.parent WHERE c.tenant <> p.tenant LIMIT 100
