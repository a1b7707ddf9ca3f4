-- The highest submission number that was ever given, also when its task is gone.
SELECT max(seq) FROM (SELECT max(seq) AS seq FROM task UNION ALL SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'last_seq') AS given
