-- Nothing is left to wait for.
UPDATE task SET state = :state, reason = :reason, ready = :ready, version = :version WHERE seq = :seq
