-- An instruction has been followed, or could not be.
UPDATE signal SET state = :state, why = :why, settled_at = :now WHERE id = :id AND settled_at IS NULL
