-- Shut every gate of an account, or open those whose queues let runs through; the lanes whose heads may change.
UPDATE gate SET open = :open WHERE account = :account AND open <> :open
  AND (:open = 0 OR EXISTS (SELECT 1 FROM queue q WHERE q.id = gate.queue AND q.state = 'running' AND q.full = 0))
RETURNING lane
