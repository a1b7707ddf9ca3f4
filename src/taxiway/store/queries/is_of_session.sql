-- Whether a task belongs to a session.
SELECT 1 FROM task JOIN session ON session.id = task.session WHERE task.seq = :task AND session.name = :session AND session.tenant = :tenant
