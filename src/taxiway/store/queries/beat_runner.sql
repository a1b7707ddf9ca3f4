-- A runner is alive.
UPDATE runner SET beat = beat + 1, seen_at = :now WHERE name = :name AND state IN ('live', 'draining') RETURNING beat
