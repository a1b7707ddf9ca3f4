-- I10: the newest change of something is in the log of another tenant
SELECT c.ref FROM task t JOIN change c ON c.version = t.version WHERE c.tenant <> t.tenant
UNION ALL SELECT c.ref FROM session s JOIN change c ON c.version = s.version WHERE c.tenant <> s.tenant
UNION ALL SELECT c.ref FROM queue q JOIN change c ON c.version = q.version WHERE c.tenant <> q.tenant
UNION ALL SELECT c.ref FROM lane l JOIN change c ON c.version = l.version WHERE c.tenant <> l.tenant
UNION ALL SELECT c.ref FROM approval a JOIN change c ON c.version = a.version WHERE c.tenant <> a.tenant
UNION ALL SELECT c.ref FROM account a JOIN change c ON c.version = a.version WHERE c.tenant <> a.tenant LIMIT 100
