-- What a run has not settled.
SELECT id, name, kind, task FROM signal WHERE run = :run AND settled_at IS NULL ORDER BY id
