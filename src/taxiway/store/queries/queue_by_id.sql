-- A queue by its row.
SELECT id, name, tenant, project, state, standing, slots, open, plan, created_at, version FROM queue WHERE id = :queue
