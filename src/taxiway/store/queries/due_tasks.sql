-- Scheduled tasks whose time has come.
SELECT seq FROM task WHERE state = 'scheduled' AND due_at <= :now ORDER BY due_at, seq LIMIT :limit
