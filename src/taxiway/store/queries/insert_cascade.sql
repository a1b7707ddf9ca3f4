-- Pages that later transactions do.
INSERT INTO cascade (kind, subject, after, actor) VALUES (:kind, :subject, :after, :actor)
