-- The last message that waits, itself or for its own turn.
SELECT seq, id, kin, joined_at FROM task WHERE session = :session AND box = 1 ORDER BY seq DESC LIMIT 1
