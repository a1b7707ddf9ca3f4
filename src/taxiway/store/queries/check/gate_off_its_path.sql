-- I14: a gate leads onto the path of another account or lane
SELECT g.id FROM gate g WHERE g.path IS NOT (SELECT id FROM path WHERE account = coalesce(g.account, 0) AND lane = g.lane) LIMIT 100
