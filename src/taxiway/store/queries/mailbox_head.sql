-- The first message that waits.
SELECT seq, gate, urgency, position, joined_at, capped FROM task WHERE session = :session AND box = 1 ORDER BY seq LIMIT 1
