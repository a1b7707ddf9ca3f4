-- A task whose time has come joins its mailbox.
UPDATE task SET state = 'queued', reason = NULL, due_at = NULL, version = :version WHERE seq = :seq AND state = 'scheduled'
