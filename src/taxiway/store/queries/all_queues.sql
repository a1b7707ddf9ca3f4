-- Every queue.
SELECT id, name, tenant, project, state, standing, slots, open, plan, created_at, version, on_limit FROM queue WHERE tenant = :tenant ORDER BY name, project
