-- Of a tenant's runs that have ended those that began last: how and when they ended, and when their tasks were submitted, of those
-- that ran first.
SELECT r.outcome, r.reason, r.claimed_at, r.ended_at, CASE WHEN r.fence = 1 THEN t.created_at END
FROM run r INDEXED BY run_ended_of LEFT JOIN task t ON t.seq = r.task
WHERE r.tenant = :tenant AND r.live = 0 ORDER BY r.id DESC LIMIT :limit
