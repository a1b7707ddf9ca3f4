-- I14: a scheduled task has no time at which it wakes
SELECT id FROM task WHERE state = 'scheduled' AND due_at IS NULL LIMIT 100
