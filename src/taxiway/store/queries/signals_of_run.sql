-- What a run was told, behind a number, in order.
SELECT name, seq, kind, state, actor, message, why, created_at, settled_at FROM (
  SELECT g.name, row_number() OVER (ORDER BY g.id) AS seq, g.kind, g.state, g.actor, t.id AS message, g.why, g.created_at, g.settled_at
  FROM signal g LEFT JOIN task t ON t.seq = g.task WHERE g.run = :run
) WHERE seq > :after ORDER BY seq LIMIT :limit
