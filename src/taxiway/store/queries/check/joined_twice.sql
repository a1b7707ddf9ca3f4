-- I14: a message that joined its session still waits for something else
SELECT id FROM task WHERE box > 0 AND (state = 'blocked' OR (state = 'scheduled' AND box <> 2)) LIMIT 100
