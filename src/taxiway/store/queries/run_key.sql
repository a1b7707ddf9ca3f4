-- The key of the tokens of runs.
SELECT key FROM run_key WHERE id = 1
