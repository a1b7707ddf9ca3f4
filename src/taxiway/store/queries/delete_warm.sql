-- A session's process is gone.
DELETE FROM warm_process WHERE name = :name RETURNING session
