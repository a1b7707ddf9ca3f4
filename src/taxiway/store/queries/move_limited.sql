-- What waits for a limit of an account waits until another time.
UPDATE task SET due_at = :due_at
WHERE state = 'scheduled' AND reason = 'rate_limit' AND (SELECT account FROM gate WHERE gate.id = task.gate) = :account
