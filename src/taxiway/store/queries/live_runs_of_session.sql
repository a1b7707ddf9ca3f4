-- A session's live runs, the oldest first.
SELECT r.task, r.id, r.steerable, r.stop, r.name, r.events FROM run r WHERE r.session = :session AND r.live = 1 ORDER BY r.id
