-- I3: a message is ready to start that its session has not admitted
SELECT id FROM task WHERE session IS NOT NULL AND ready = 1 AND box <> 2 LIMIT 100
