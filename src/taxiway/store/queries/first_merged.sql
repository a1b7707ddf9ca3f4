-- The first message that waits as a part of this one's turn.
SELECT seq FROM task WHERE carrier = :seq AND box = 3 ORDER BY seq LIMIT 1
