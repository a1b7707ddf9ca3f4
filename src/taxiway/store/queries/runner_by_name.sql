-- One runner, also one that is gone.
SELECT name, host, boot_id, pid, slots, scope, state, beat, started_at, seen_at, id, token FROM runner WHERE name = :runner
