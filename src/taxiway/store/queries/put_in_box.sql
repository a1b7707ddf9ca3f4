-- A task's place in its mailbox.
UPDATE task SET box = :box, ready = :ready, capped = :capped, carrier = :carrier, kin = :kin, joined_at = coalesce(joined_at, :now)
WHERE seq = :seq
