-- How many live runs a runner has.
SELECT count(*) FROM run WHERE runner = :runner AND live = 1
