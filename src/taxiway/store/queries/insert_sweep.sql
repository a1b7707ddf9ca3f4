-- Pages of a sweep that later transactions do, up to the last task that was there when it began.
INSERT INTO cascade (kind, subject, after, until, actor, tenant) VALUES (:kind, :subject, :after, :until, :actor, :tenant)
