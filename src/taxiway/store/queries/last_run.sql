-- The highest number of a run.
SELECT max(id) FROM run
