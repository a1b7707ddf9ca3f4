-- The session of a key in just this project.
SELECT id, name, agent FROM session WHERE tenant = :tenant AND project = :project AND key = :key
