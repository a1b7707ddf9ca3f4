-- Whether a task is open, its version, and the one that a reader has seen.
SELECT t.open, t.version, (SELECT m.version FROM task_read_mark m WHERE m.task = t.seq AND m.reader = :reader)
FROM task t WHERE t.tenant = :tenant AND t.id = :id
