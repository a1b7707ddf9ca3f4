-- A queue by its name: in this project, else one that belongs to none.
SELECT id, name, tenant, project, state, standing, slots, open, plan, created_at, version, on_limit FROM queue
WHERE tenant = :tenant AND name = :name AND project IN (:project, '') ORDER BY project DESC LIMIT 1
