-- What a reader has seen of a task.
INSERT INTO task_read_mark (task, reader, version) VALUES (:task, :reader, :version)
ON CONFLICT (task, reader) DO UPDATE SET version = excluded.version
