-- How many messages wait as a part of this one's turn, and how many of them the cap counts.
SELECT count(*), coalesce(sum(capped), 0) FROM task WHERE carrier = :seq AND box = 3
