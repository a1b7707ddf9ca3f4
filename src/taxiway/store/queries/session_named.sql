-- The session that work of a project means by a key: its own, else the one of no project.
SELECT id, name, agent FROM session WHERE tenant = :tenant AND project IN (:project, '') AND key = :key ORDER BY project DESC LIMIT 1
