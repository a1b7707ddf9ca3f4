-- A new queue.
INSERT INTO queue (tenant, project, name, state, standing, slots, plan, created_at, version)
VALUES (:tenant, :project, :name, :state, :standing, :slots, :plan, :now, :version) RETURNING id
