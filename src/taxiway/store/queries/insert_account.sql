-- A new account; it lets through whatever there are slots for.
INSERT INTO account (tenant, name, size, version) VALUES (:tenant, :name, :size, :version) RETURNING id
