-- A session may begin as another one is: it keeps whose conversation that was, and the agent's own id of it until it has
-- one of its own. The moment of its first turn is when the two part.

ALTER TABLE session ADD COLUMN forked_from TEXT;
ALTER TABLE session ADD COLUMN fork_generation INTEGER;  -- of the other one
ALTER TABLE session ADD COLUMN fork_thread TEXT;
ALTER TABLE session ADD COLUMN forked_at INTEGER;

-- What a signal says that brings no message of a session.
ALTER TABLE signal ADD COLUMN text TEXT;

-- Questions that want words, and not a yes.
ALTER TABLE approval ADD COLUMN words INTEGER NOT NULL DEFAULT 0;
