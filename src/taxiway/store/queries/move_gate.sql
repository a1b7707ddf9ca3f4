-- A gate stands behind another account from now on.
UPDATE gate SET account = :account, open = EXISTS (SELECT 1 FROM queue q WHERE q.id = gate.queue AND q.state = 'running' AND q.full = 0)
    AND NOT EXISTS (SELECT 1 FROM account a WHERE a.id = :account AND (a.phase = 'parked' OR a.full = 1))
WHERE id = :gate RETURNING lane
