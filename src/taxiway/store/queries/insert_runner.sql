-- A runner comes.
INSERT INTO runner (name, tenant, host, boot_id, pid, slots, scope, state, started_at, seen_at, version, token)
VALUES (:name, :tenant, :host, :boot_id, :pid, :slots, :scope, 'live', :now, :now, :version, :token)
