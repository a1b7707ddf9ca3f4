-- The present task of this name in a queue: the newest, where a standing queue had several.
SELECT seq, state, reason, id FROM task WHERE queue = :queue AND name = :name AND superseded = 0 ORDER BY seq DESC LIMIT 1
