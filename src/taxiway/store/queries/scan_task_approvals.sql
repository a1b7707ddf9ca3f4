-- Approvals of a task behind one of them, in the order in which they were asked.
SELECT id, name, state FROM approval WHERE task = (SELECT seq FROM task WHERE id = :task) AND id > :after ORDER BY id LIMIT :limit
