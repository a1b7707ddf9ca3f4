-- A page of the change log.
SELECT version, kind, ref, state, reason, actor, cause, at FROM change WHERE version > :after AND tenant = :tenant ORDER BY version LIMIT :limit
