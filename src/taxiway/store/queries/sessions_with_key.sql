-- Every session of a key, the one of no project first.
SELECT name, project FROM session WHERE tenant = :tenant AND key = :key ORDER BY project
