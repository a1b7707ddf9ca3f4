-- A new group; it is open when its queue lets runs through.
INSERT INTO gate (queue, lane, needs, open)
SELECT :queue, :lane, :needs, (state = 'running' AND full = 0) FROM queue WHERE id = :queue
RETURNING id
