-- What a task's session, and its queue, say about limits of providers.
SELECT coalesce((SELECT s.on_limit FROM session s WHERE s.id = t.session), q.on_limit)
FROM task t JOIN queue q ON q.id = t.queue WHERE t.seq = :seq
