-- I14: work of an agent stands behind another account than the one that it uses
SELECT g.needs FROM gate g JOIN queue q ON q.id = g.queue WHERE g.needs LIKE 'agent:%' AND g.account IS NOT
  coalesce((SELECT account FROM agent_account WHERE tenant = q.tenant AND agent = substr(g.needs, 7)),
    (SELECT id FROM account WHERE tenant = q.tenant AND name = substr(g.needs, 7))) LIMIT 100
