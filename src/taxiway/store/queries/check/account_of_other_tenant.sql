-- I10: work stands behind an account of another tenant that is not shared
SELECT a.name FROM gate g JOIN queue q ON q.id = g.queue JOIN account a ON a.id = g.account
WHERE a.shared = 0 AND a.tenant <> q.tenant LIMIT 100
