-- The highest submission number.
SELECT max(seq) FROM task
