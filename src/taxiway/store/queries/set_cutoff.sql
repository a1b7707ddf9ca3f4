-- What was submitted up to here is stale when it joins; what waits up to here is on its way out.
UPDATE session SET cutoff = max(cutoff, :cutoff), purge = max(purge, :purge), quiet_at = NULL WHERE id = :session
