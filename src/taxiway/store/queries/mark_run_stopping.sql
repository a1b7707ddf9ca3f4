-- Somebody wants the live run ended.
UPDATE run SET state = 'stopping', stop = coalesce(stop, :stop), answered_at = NULL WHERE id = :run AND live = 1 AND state <> 'stopping'
RETURNING runner
