-- A running task is on its way to cancelled.
UPDATE task SET state = 'running', reason = 'cancelling', stop = :stop, version = :version WHERE seq = :seq
