-- Sessions: conversations with a mailbox. A session's waiting tasks are not ready; the first one is admitted when there
-- is room, one at a time, and only then stands behind its gate. So a claim never looks at a mailbox.

CREATE TABLE session (
  id             INTEGER PRIMARY KEY,
  name           TEXT NOT NULL UNIQUE,
  tenant         TEXT NOT NULL,
  project        TEXT NOT NULL,
  key            TEXT NOT NULL,
  agent          TEXT,
  mode           TEXT NOT NULL CHECK (mode IN ('queue', 'followup', 'collect', 'steer', 'interrupt')),
  cap            INTEGER NOT NULL CHECK (cap >= 1),
  overflow       TEXT NOT NULL CHECK (overflow IN ('new', 'old', 'summarize')),
  debounce_ms    INTEGER NOT NULL CHECK (debounce_ms >= 0),
  wait_ms        INTEGER CHECK (wait_ms >= 0),
  max_concurrent INTEGER NOT NULL CHECK (max_concurrent >= 1),
  generation     INTEGER NOT NULL DEFAULT 0,
  cutoff         INTEGER NOT NULL DEFAULT 0,  -- what was submitted up to here and joins later is stale
  purge          INTEGER NOT NULL DEFAULT 0,  -- a sweep under way takes what waits up to here
  waiting        INTEGER NOT NULL DEFAULT 0 CHECK (waiting >= 0),  -- joined and not admitted, merged ones among them
  capped         INTEGER NOT NULL DEFAULT 0 CHECK (capped >= 0),   -- those of them that the cap counts
  held           INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),     -- admitted: ready, backing off, or running
  live           INTEGER NOT NULL DEFAULT 0 CHECK (live >= 0 AND live <= held),
  quiet_at       INTEGER,
  thread         TEXT,
  process        TEXT,  -- the one that holds the conversation
  context_tokens INTEGER,
  context_window INTEGER,
  usage          TEXT,
  title          TEXT,
  summary        TEXT,
  state          TEXT NOT NULL DEFAULT 'idle' CHECK (state IN ('idle', 'running', 'terminal')),
  archived       INTEGER NOT NULL DEFAULT 0,
  last_run       INTEGER,
  created_at     INTEGER NOT NULL,
  active_at      INTEGER NOT NULL,
  updated_at     INTEGER NOT NULL,
  version        INTEGER NOT NULL,
  UNIQUE (tenant, project, key)
);
CREATE INDEX session_quiet ON session (quiet_at) WHERE quiet_at IS NOT NULL;
CREATE INDEX session_by_activity ON session (tenant, archived, state = 'running', -active_at, -updated_at, name);

ALTER TABLE task ADD COLUMN session INTEGER REFERENCES session (id);
ALTER TABLE task ADD COLUMN box INTEGER NOT NULL DEFAULT 0 CHECK (box = 0 OR (open = 1 AND session IS NOT NULL));
ALTER TABLE task ADD COLUMN capped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN carrier INTEGER;
ALTER TABLE task ADD COLUMN kin BLOB;        -- what it must share with another message to become one turn
ALTER TABLE task ADD COLUMN joined_at INTEGER;
CREATE INDEX task_in_box ON task (session, box, seq) WHERE box > 0;
CREATE INDEX task_carried ON task (carrier, seq) WHERE carrier IS NOT NULL;
CREATE INDEX task_of_session ON task (session, seq) WHERE session IS NOT NULL;

ALTER TABLE lane ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;  -- it refuses new work

ALTER TABLE run ADD COLUMN session INTEGER;
ALTER TABLE run ADD COLUMN session_slot INTEGER;
ALTER TABLE run ADD COLUMN generation INTEGER;
ALTER TABLE run ADD COLUMN steerable INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX run_session_slot ON run (session, session_slot) WHERE live = 1 AND session IS NOT NULL; -- I3

-- One line about each message that a full mailbox let go, until a turn takes it along.
CREATE TABLE dropped (
  session INTEGER NOT NULL,
  seq     INTEGER NOT NULL,
  line    TEXT NOT NULL,
  task    INTEGER,  -- the task whose turn takes it along
  PRIMARY KEY (session, seq)
) WITHOUT ROWID;

CREATE TABLE signal (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  run        INTEGER NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('turn', 'steer', 'interrupt', 'stop')),
  task       INTEGER,  -- the message that it brings
  state      TEXT NOT NULL CHECK (state IN ('accepted', 'delivered', 'applied', 'refused')),
  why        TEXT,
  actor      TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  settled_at INTEGER,
  CHECK ((settled_at IS NULL) = (state = 'accepted' OR state = 'delivered'))
);
CREATE INDEX signal_open ON signal (run) WHERE settled_at IS NULL;
CREATE INDEX signal_of_task ON signal (task) WHERE task IS NOT NULL;

CREATE TABLE read_mark (
  session INTEGER NOT NULL,
  reader  TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (session, reader)
) WITHOUT ROWID;

-- A session's live process, from before its program runs until it is confirmed gone.
CREATE TABLE warm_process (
  name      TEXT PRIMARY KEY,
  session   INTEGER NOT NULL,
  runner    INTEGER NOT NULL REFERENCES runner (id),
  mark      TEXT NOT NULL,
  opened_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX warm_process_of_runner ON warm_process (runner);

CREATE TABLE cascade_with_sessions (
  id      INTEGER PRIMARY KEY,
  kind    TEXT NOT NULL CHECK (kind IN ('dependents', 'stop', 'reset', 'cancel_all', 'carried', 'lane_stop',
            'session_stop', 'session_reset', 'session_interrupt')),
  subject INTEGER NOT NULL,
  after   INTEGER NOT NULL DEFAULT 0,
  until   INTEGER NOT NULL DEFAULT 0,
  actor   TEXT NOT NULL
);
INSERT INTO cascade_with_sessions SELECT * FROM cascade;
DROP TABLE cascade;
ALTER TABLE cascade_with_sessions RENAME TO cascade;
