-- A new group; it is open when its queue and its account let runs through.
INSERT INTO gate (queue, lane, needs, account, open)
SELECT :queue, :lane, :needs, :account, (q.state = 'running' AND q.full = 0
  AND NOT EXISTS (SELECT 1 FROM account a WHERE a.id = :account AND (a.phase = 'parked' OR a.full = 1)))
FROM queue q WHERE q.id = :queue
RETURNING id
