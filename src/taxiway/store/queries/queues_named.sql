-- Every queue of this name, in any project.
SELECT id, name, tenant, project, state, standing, slots, open, plan, created_at, version, on_limit FROM queue
WHERE tenant = :tenant AND name = :name ORDER BY project
