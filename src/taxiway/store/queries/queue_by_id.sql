-- A queue by its row.
SELECT id, name, tenant, project, state, standing, slots, open, plan, created_at, version, on_limit FROM queue WHERE id = :queue
