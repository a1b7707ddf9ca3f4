-- Runners that are not gone.
SELECT name, host, boot_id, pid, slots, scope, state, beat, started_at, seen_at, id, token FROM runner WHERE state <> 'gone' ORDER BY started_at
