-- When a scheduled task may start.
UPDATE task SET due_at = :due_at WHERE seq = :seq
