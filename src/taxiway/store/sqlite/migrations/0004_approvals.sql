-- Permissions that agents ask for, and what a person said. While a question is open its run waits and holds no slot of
-- a lane or a queue; when all are answered it takes them again, ahead of new starts.

CREATE TABLE approval (
  id         INTEGER PRIMARY KEY,  -- in the order in which they were asked
  name       TEXT NOT NULL UNIQUE,
  tenant     TEXT NOT NULL,
  run        INTEGER NOT NULL,
  task       INTEGER NOT NULL,
  text       TEXT NOT NULL,
  tool       TEXT,
  input      TEXT,
  state      TEXT NOT NULL CHECK (state IN ('pending', 'allowed', 'denied', 'expired', 'void')),
  open       INTEGER NOT NULL,  -- its agent has not been told yet
  why        TEXT,
  actor      TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  decided_at INTEGER,
  version    INTEGER NOT NULL,
  CHECK ((decided_at IS NULL) = (state = 'pending')),
  CHECK (open = 1 OR state <> 'pending')
);
CREATE INDEX approval_open ON approval (run, id) WHERE open = 1;
CREATE INDEX approval_pending ON approval (id) WHERE state = 'pending';
CREATE INDEX approval_due ON approval (expires_at) WHERE state = 'pending' AND expires_at IS NOT NULL;
CREATE INDEX approval_of_task ON approval (task, id);

CREATE TRIGGER approval_decided_is_final BEFORE UPDATE OF state, why, actor, decided_at ON approval
WHEN OLD.state <> 'pending'
BEGIN
  SELECT RAISE(ABORT, 'the first answer stands');
END;

ALTER TABLE run ADD COLUMN parked INTEGER NOT NULL DEFAULT 0;  -- it gave its slots back, and has not taken them again
ALTER TABLE run ADD COLUMN answered_at INTEGER;  -- it waits, and nobody has to be asked any more
CREATE INDEX run_answered ON run (answered_at, id) WHERE live = 1 AND answered_at IS NOT NULL;
