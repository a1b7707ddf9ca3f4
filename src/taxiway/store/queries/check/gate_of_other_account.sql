-- I14: work of an agent stands behind another account than the one that it uses
SELECT g.needs FROM gate g JOIN queue q ON q.id = g.queue WHERE g.needs LIKE 'agent:%' AND g.account IS NOT
  coalesce((SELECT account FROM agent_account WHERE agent = substr(g.needs, 7)),
    (SELECT id FROM account WHERE name = substr(g.needs, 7) AND (shared = 1 OR tenant = q.tenant) ORDER BY shared DESC LIMIT 1)) LIMIT 100
