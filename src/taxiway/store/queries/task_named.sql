-- The present task of this name in a queue.
SELECT seq, state, reason FROM task WHERE queue = :queue AND name = :name AND superseded = 0
