-- What a fork of a session needs to know of it.
SELECT name, key, tenant, project, agent, archived, generation, coalesce(thread, CASE WHEN generation = 0 THEN fork_thread END)
FROM session WHERE id = :session
