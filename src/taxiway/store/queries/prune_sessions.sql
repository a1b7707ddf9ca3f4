-- Forget sessions that were put away before a time and have no task left.
DELETE FROM session WHERE tenant = :tenant AND archived = 1 AND updated_at < :before AND live = 0 AND waiting = 0
  AND NOT EXISTS (SELECT 1 FROM task t WHERE t.session = session.id)
  AND NOT EXISTS (SELECT 1 FROM warm_process w WHERE w.session = session.id) RETURNING id, name
