-- When the first waiting message may be admitted.
UPDATE session SET quiet_at = :at WHERE id = :session AND quiet_at IS NOT :at
