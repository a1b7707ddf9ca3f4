-- A new lane.
INSERT INTO lane (tenant, queue, name, size, version) VALUES (:tenant, :queue, :name, :size, :version) RETURNING id
