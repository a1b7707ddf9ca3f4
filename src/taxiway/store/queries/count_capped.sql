-- How many messages of a session the cap counts, without those that a sweep is about to take.
SELECT count(*) FROM task WHERE session = :session AND box IN (1, 3) AND capped = 1 AND seq > :after
