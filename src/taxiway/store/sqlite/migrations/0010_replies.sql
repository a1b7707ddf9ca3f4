-- What a mutation under a key did is kept in the transaction that did it, so a repeated call finds it also when the
-- server was killed before it could keep its answer, or is still at it.
ALTER TABLE reply ADD COLUMN done TEXT;

-- What a reader has seen of a task.
CREATE TABLE task_read_mark (
  task    INTEGER NOT NULL,
  reader  TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (task, reader)
) WITHOUT ROWID;

CREATE INDEX signal_of_run ON signal (run, id);
