-- Whether a task has a label.
SELECT 1 FROM label WHERE key = :key AND value = :value AND task = :task
