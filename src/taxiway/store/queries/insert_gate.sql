-- A new group; it is open when its queue lets runs through.
INSERT INTO gate (queue, lane, needs, account, path, open)
SELECT :queue, :lane, :needs, :account, :path, (q.state = 'running' AND q.full = 0) FROM queue q WHERE q.id = :queue
RETURNING id
