-- Everything that a run was to be told is on its way to its agent, or need not be told any more.
UPDATE approval SET open = 0 WHERE run = :run AND open = 1
