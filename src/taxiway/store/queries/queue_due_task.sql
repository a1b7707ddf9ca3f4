-- A scheduled task is due.
UPDATE task SET state = 'queued', reason = NULL, ready = 1, due_at = NULL, version = :version WHERE seq = :seq AND state = 'scheduled'
