-- One line of the change log.
INSERT INTO change (version, tenant, kind, ref, state, reason, actor, cause, at)
VALUES (:version, :tenant, :kind, :ref, :state, :reason, :actor, :cause, :at)
