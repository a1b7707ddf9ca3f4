-- The key of the tokens of runs, unless there is one.
INSERT OR IGNORE INTO run_key (id, key) VALUES (1, :key)
