-- The first schema. Times are milliseconds since 1970 UTC; urgency is the negative of priority, so that every order
-- is ascending: urgency, position, seq. Checks that every write runs compare one value after the other: for IN with a
-- longer list the engine fills a table in memory each time.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE queue (
  id         INTEGER PRIMARY KEY,
  tenant     TEXT NOT NULL,
  project    TEXT NOT NULL,
  name       TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('idle', 'running', 'paused', 'stopping', 'completed', 'failed')),
  standing   INTEGER NOT NULL,
  slots      INTEGER CHECK (slots >= 1),
  full       INTEGER NOT NULL DEFAULT 0,  -- a claim saw every slot taken; whatever frees one clears it
  open       INTEGER NOT NULL DEFAULT 0 CHECK (open >= 0),  -- tasks not yet ended
  plan       TEXT,
  created_at INTEGER NOT NULL,
  version    INTEGER NOT NULL,
  UNIQUE (tenant, project, name)
);

CREATE TABLE lane (
  id            INTEGER PRIMARY KEY,
  tenant        TEXT NOT NULL,
  queue         INTEGER NOT NULL,  -- 0: store-wide, else the plan's queue that owns it
  name          TEXT NOT NULL,
  size          INTEGER CHECK (size >= 1),
  full          INTEGER NOT NULL DEFAULT 0,
  head_urgency  INTEGER,  -- the order of the first ready task behind this lane's open gates
  head_position INTEGER,
  head_seq      INTEGER,
  version       INTEGER NOT NULL,
  UNIQUE (tenant, queue, name)
);
CREATE INDEX lane_by_head ON lane (head_urgency, head_position, head_seq) WHERE full = 0 AND head_seq IS NOT NULL;

-- Ready tasks are grouped by what gates them. A claim walks the heads of open gates, never the tasks behind them.
CREATE TABLE gate (
  id            INTEGER PRIMARY KEY,
  queue         INTEGER NOT NULL REFERENCES queue (id),
  lane          INTEGER NOT NULL REFERENCES lane (id),
  needs         TEXT NOT NULL,
  open          INTEGER NOT NULL,  -- its queue runs and has a slot
  head_urgency  INTEGER,
  head_position INTEGER,
  head_seq      INTEGER,
  UNIQUE (queue, lane, needs)
);
CREATE INDEX gate_by_lane ON gate (lane, head_urgency, head_position, head_seq) WHERE open = 1 AND head_seq IS NOT NULL;
CREATE INDEX gate_by_queue ON gate (queue, head_urgency, head_position, head_seq) WHERE open = 1 AND head_seq IS NOT NULL;

CREATE TABLE task (
  seq         INTEGER PRIMARY KEY,  -- submission order
  id          TEXT NOT NULL,
  tenant      TEXT NOT NULL,
  project     TEXT NOT NULL,
  queue       INTEGER NOT NULL REFERENCES queue (id),
  gate        INTEGER NOT NULL REFERENCES gate (id),
  name        TEXT,
  urgency     INTEGER NOT NULL,
  position    INTEGER NOT NULL,
  state       TEXT NOT NULL CHECK (
                state = 'queued' OR state = 'running' OR state = 'completed' OR state = 'scheduled'
                OR state = 'blocked' OR state = 'waiting' OR state = 'failed' OR state = 'cancelled'),
  reason      TEXT,
  ready       INTEGER NOT NULL DEFAULT 0 CHECK (ready = 0 OR state = 'queued'),
  open        INTEGER NOT NULL DEFAULT 1
                CHECK ((open = 0) = (state = 'completed' OR state = 'failed' OR state = 'cancelled')),
  stop        TEXT,
  attempt     INTEGER NOT NULL DEFAULT 0,
  fence       INTEGER NOT NULL DEFAULT 0,
  crashes     INTEGER NOT NULL DEFAULT 0,
  unmet       INTEGER NOT NULL DEFAULT 0 CHECK (unmet >= 0),
  created_at  INTEGER NOT NULL,
  due_at      INTEGER,
  expires_at  INTEGER,
  started_at  INTEGER,
  finished_at INTEGER,
  exit_code   INTEGER,
  signal      INTEGER,
  error       TEXT,
  usage       TEXT,
  retry_of    TEXT,
  superseded  INTEGER NOT NULL DEFAULT 0,
  version     INTEGER NOT NULL,
  CHECK ((open = 0) = (finished_at IS NOT NULL)),
  CHECK (reason IS NOT NULL OR state = 'queued' OR state = 'running' OR state = 'completed')
);
CREATE UNIQUE INDEX task_by_id ON task (id);
CREATE INDEX task_by_order ON task (tenant, urgency, position, seq);
CREATE INDEX task_by_queue ON task (queue, open, urgency, position, seq);
CREATE INDEX task_ready ON task (gate, urgency, position, seq) WHERE ready = 1;
CREATE INDEX task_due ON task (due_at) WHERE state = 'scheduled';
CREATE INDEX task_expires ON task (expires_at) WHERE expires_at IS NOT NULL AND started_at IS NULL AND open = 1;
CREATE INDEX task_fell ON task (queue, seq) WHERE state = 'failed' OR (state = 'cancelled' AND reason = 'dependency_failed');
CREATE INDEX task_by_name ON task (queue, name) WHERE name IS NOT NULL AND superseded = 0;
CREATE UNIQUE INDEX task_open_name ON task (queue, name) WHERE name IS NOT NULL AND superseded = 0 AND open = 1;

CREATE TRIGGER task_terminal_is_final BEFORE UPDATE OF state, reason, exit_code, signal, finished_at ON task
WHEN OLD.open = 0
BEGIN
  SELECT RAISE(ABORT, 'terminal is final');
END;

-- What was asked; it never changes.
CREATE TABLE spec (
  task INTEGER PRIMARY KEY,
  hash BLOB NOT NULL,
  body TEXT NOT NULL
);
CREATE TRIGGER spec_never_changes BEFORE UPDATE ON spec
BEGIN
  SELECT RAISE(ABORT, 'a spec never changes');
END;

CREATE TABLE label (
  key   TEXT NOT NULL,
  value TEXT NOT NULL,
  task  INTEGER NOT NULL,
  PRIMARY KEY (key, value, task)
) WITHOUT ROWID;
CREATE INDEX label_by_task ON label (task);

-- What came of it, where there is something to keep.
CREATE TABLE result (
  task   INTEGER PRIMARY KEY,
  output TEXT,
  value  TEXT
);

CREATE TABLE dependency (
  parent    INTEGER NOT NULL,
  child     INTEGER NOT NULL,
  condition TEXT NOT NULL CHECK (condition = 'completed' OR condition = 'failed' OR condition = 'finished'),
  name      TEXT NOT NULL,  -- how the child's spec calls the parent
  settled   INTEGER NOT NULL DEFAULT 0,  -- the parent's end has been counted
  PRIMARY KEY (parent, child)
) WITHOUT ROWID;
CREATE INDEX dependency_by_child ON dependency (child);

CREATE TABLE idempotency (
  tenant  TEXT NOT NULL,
  project TEXT NOT NULL,
  key     TEXT NOT NULL,
  hash    BLOB NOT NULL,
  task    TEXT NOT NULL,
  PRIMARY KEY (tenant, project, key)
) WITHOUT ROWID;

CREATE TABLE runner (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  tenant     TEXT NOT NULL,
  host       TEXT NOT NULL,
  boot_id    TEXT NOT NULL,
  pid        INTEGER NOT NULL,
  slots      INTEGER NOT NULL,
  scope      TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('live', 'draining', 'lost', 'gone')),
  beat       INTEGER NOT NULL DEFAULT 0,
  started_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL,
  version    INTEGER NOT NULL
);
CREATE INDEX runner_alive ON runner (name) WHERE state <> 'gone';

CREATE TABLE run (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  tenant     TEXT NOT NULL,
  task       INTEGER NOT NULL,
  runner     INTEGER NOT NULL REFERENCES runner (id),
  fence      INTEGER NOT NULL,
  attempt    INTEGER NOT NULL,
  state      TEXT NOT NULL CHECK (
               state = 'ended' OR state = 'running' OR state = 'starting' OR state = 'waiting' OR state = 'stopping'),
  live       INTEGER NOT NULL DEFAULT 1 CHECK ((live = 0) = (state = 'ended')),
  stop       TEXT,
  queue      INTEGER NOT NULL,
  queue_slot INTEGER,
  lane       INTEGER NOT NULL,
  lane_slot  INTEGER,
  outcome    TEXT,
  reason     TEXT,
  error      TEXT,
  exit_code  INTEGER,
  signal     INTEGER,
  usage      TEXT,
  events     INTEGER NOT NULL DEFAULT 0,  -- the number of the last event
  batch      INTEGER NOT NULL DEFAULT 0,  -- the number of the last batch of events
  process    TEXT,
  claimed_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at   INTEGER,
  CHECK ((outcome IS NULL) = (live = 1)),
  CHECK ((ended_at IS NULL) = (live = 1))
);
CREATE UNIQUE INDEX run_by_task ON run (task, fence);
CREATE UNIQUE INDEX run_live_task ON run (task) WHERE live = 1;                                        -- I2
CREATE UNIQUE INDEX run_lane_slot ON run (lane, lane_slot) WHERE live = 1 AND lane_slot IS NOT NULL;    -- I3
CREATE UNIQUE INDEX run_queue_slot ON run (queue, queue_slot) WHERE live = 1 AND queue_slot IS NOT NULL; -- I3
CREATE INDEX run_of_runner ON run (runner) WHERE live = 1;
CREATE INDEX run_stopping ON run (runner) WHERE live = 1 AND stop IS NOT NULL;

-- A late result may still be told as an event, so the counters of events stay free.
CREATE TRIGGER run_ended_is_final BEFORE UPDATE OF state, live, outcome, reason, error, exit_code, signal, ended_at ON run
WHEN OLD.live = 0
BEGIN
  SELECT RAISE(ABORT, 'an ended run is final');
END;

CREATE TABLE event (
  run  INTEGER NOT NULL,
  seq  INTEGER NOT NULL,
  type TEXT NOT NULL,
  at   INTEGER NOT NULL,
  data TEXT,
  body BLOB,
  PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE TRIGGER event_never_changes BEFORE UPDATE ON event
BEGIN
  SELECT RAISE(ABORT, 'an event never changes');
END;

CREATE TABLE change (
  version INTEGER PRIMARY KEY,
  tenant  TEXT NOT NULL,
  kind    TEXT NOT NULL,
  ref     TEXT NOT NULL,
  state   TEXT NOT NULL,
  reason  TEXT,
  actor   TEXT NOT NULL,
  cause   TEXT NOT NULL,
  at      INTEGER NOT NULL
);

-- Work that one transaction could not finish: pages of dependents, of a stop, of a reset.
CREATE TABLE cascade (
  id      INTEGER PRIMARY KEY,
  kind    TEXT NOT NULL CHECK (kind IN ('dependents', 'stop', 'reset', 'cancel_all')),
  subject INTEGER NOT NULL,
  after   INTEGER NOT NULL DEFAULT 0,
  until   INTEGER NOT NULL DEFAULT 0,  -- the last task that a sweep of a queue or of all reaches
  actor   TEXT NOT NULL
);
