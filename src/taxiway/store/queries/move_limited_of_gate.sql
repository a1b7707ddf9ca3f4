-- What waits behind a gate for a limit waits until another time.
UPDATE task SET due_at = :due_at WHERE state = 'scheduled' AND reason = 'rate_limit' AND gate = :gate
