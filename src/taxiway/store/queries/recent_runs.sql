-- Of the last runs that began those that have ended: how and when, and when their tasks were submitted, of those that ran first.
SELECT r.outcome, r.reason, r.claimed_at, r.ended_at, CASE WHEN r.fence = 1 THEN t.created_at END
FROM (SELECT * FROM run ORDER BY id DESC LIMIT :limit) r LEFT JOIN task t ON t.seq = r.task
WHERE r.live = 0 ORDER BY r.id DESC
