-- What kind of event has this number in a run.
SELECT type FROM event WHERE run = :run AND seq = :seq
