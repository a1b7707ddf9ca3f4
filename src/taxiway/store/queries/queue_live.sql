-- How many runs of a queue are live.
SELECT count(*) FROM run WHERE queue = :queue AND live = 1
