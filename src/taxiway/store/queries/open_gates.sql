-- Open or shut every gate of a queue; the lanes whose heads may change.
UPDATE gate SET open = :open WHERE queue = :queue AND open <> :open RETURNING lane
