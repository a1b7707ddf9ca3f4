-- A label of a task.
INSERT INTO label (key, value, task) VALUES (:key, :value, :task)
