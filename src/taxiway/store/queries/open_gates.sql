-- Shut every gate of a queue, or open those whose accounts let runs through; the lanes whose heads may change.
UPDATE gate SET open = :open WHERE queue = :queue AND open <> :open
  AND (:open = 0 OR account IS NULL
    OR NOT EXISTS (SELECT 1 FROM account a WHERE a.id = gate.account AND (a.phase = 'parked' OR a.full = 1)))
RETURNING lane
