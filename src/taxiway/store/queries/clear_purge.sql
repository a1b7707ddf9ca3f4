-- A sweep has reached its end.
UPDATE session SET purge = 0 WHERE id = :session AND purge <= :until
