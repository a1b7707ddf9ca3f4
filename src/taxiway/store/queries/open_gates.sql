-- Open every gate of a queue, or shut it; the paths whose heads may change.
UPDATE gate SET open = :open WHERE queue = :queue AND open <> :open RETURNING path
