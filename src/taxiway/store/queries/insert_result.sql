-- What came of a task.
INSERT INTO result (task, output, value) VALUES (:task, :output, :value) ON CONFLICT (task) DO UPDATE SET output = excluded.output, value = excluded.value
