-- What an event of a run tells.
SELECT type, data FROM event WHERE run = :run AND seq = :seq
