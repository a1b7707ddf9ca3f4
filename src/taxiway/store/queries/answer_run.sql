-- Nobody has to be asked any more for a waiting run.
UPDATE run SET answered_at = :now WHERE id = :run AND state = 'waiting' AND answered_at IS NULL
