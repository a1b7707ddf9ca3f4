-- Names of the newest tasks, to tell a mistyped one from.
SELECT name FROM task WHERE +tenant = :tenant AND name IS NOT NULL AND superseded = 0 ORDER BY seq DESC LIMIT 1000
