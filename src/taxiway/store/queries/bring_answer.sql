-- A decided question need not be told any more.
UPDATE approval SET open = 0 WHERE id = :id AND state <> 'pending'
