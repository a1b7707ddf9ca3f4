-- The task of a live run begins to wait for a person, or goes on.
UPDATE task SET state = :state, reason = :reason, version = :version WHERE seq = :seq
