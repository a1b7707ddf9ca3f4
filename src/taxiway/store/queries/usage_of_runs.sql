-- What runs of agents used, grouped; what nobody measured adds nothing, and is counted.
SELECT CASE :by WHEN 'session' THEN s.key WHEN 'agent' THEN substr(g.needs, 7) WHEN 'account' THEN a.name
    WHEN 'queue' THEN q.name ELSE strftime('%Y-%m-%d', r.claimed_at / 1000, 'unixepoch') END AS label,
  CASE :by WHEN 'session' THEN s.name END AS ref,
  count(*), count(DISTINCT r.task),
  sum(json_extract(r.usage, '$.turns')), sum(json_extract(r.usage, '$.input_tokens')),
  sum(json_extract(r.usage, '$.output_tokens')), sum(json_extract(r.usage, '$.cached_tokens')),
  sum(json_extract(r.usage, '$.usd')), coalesce(max(json_extract(r.usage, '$.usd_computed')), 0),
  count(*) - count(coalesce(json_extract(r.usage, '$.input_tokens'), json_extract(r.usage, '$.output_tokens'))),
  count(*) - count(json_extract(r.usage, '$.usd'))
FROM run r JOIN task t ON t.seq = r.task JOIN gate g ON g.id = t.gate JOIN queue q ON q.id = r.queue
LEFT JOIN session s ON s.id = r.session LEFT JOIN account a ON a.id = r.account
WHERE r.tenant = :tenant AND g.needs LIKE 'agent:%' AND r.claimed_at >= :since AND r.claimed_at < :until
GROUP BY label, ref ORDER BY label LIMIT :limit
