-- One condition less to wait for.
UPDATE task SET unmet = unmet - 1 WHERE seq = :seq AND state = 'blocked' RETURNING unmet
