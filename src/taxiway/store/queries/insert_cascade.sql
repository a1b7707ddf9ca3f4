-- Pages that later transactions do.
INSERT INTO cascade (kind, subject, after, actor, tenant) VALUES (:kind, :subject, :after, :actor, :tenant)
