-- A tenant is made by its first use.
INSERT INTO tenant (name, made_at) VALUES (:tenant, :now) ON CONFLICT DO NOTHING
