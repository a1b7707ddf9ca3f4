-- A running task is on its way to cancelled.
UPDATE task SET reason = 'cancelling', stop = :stop, version = :version WHERE seq = :seq
