-- Approvals of a task behind one of them, in the order in which they were asked.
SELECT id, name, state FROM approval WHERE task = (SELECT seq FROM task WHERE tenant = :tenant AND id = :task) AND id > :after ORDER BY id LIMIT :limit
