-- Paths: a path is one (account, lane), and keeps the first head of the open gates that lead onto it; an account keeps the
-- first head of its paths whose lanes take work. So filling or parking an account is one row, and filling a lane one row
-- for each account that is used in it, however many queues there are.

CREATE TABLE path (
  id            INTEGER PRIMARY KEY,
  account       INTEGER NOT NULL,  -- 0: of work that needs none
  lane          INTEGER NOT NULL REFERENCES lane (id),
  shut          INTEGER NOT NULL,  -- its lane is full or stopped
  head_urgency  INTEGER,
  head_position INTEGER,
  head_seq      INTEGER,
  UNIQUE (account, lane)
);
CREATE INDEX path_by_head ON path (account, head_urgency, head_position, head_seq) WHERE shut = 0 AND head_seq IS NOT NULL;
CREATE INDEX path_of_lane ON path (lane);

ALTER TABLE account ADD COLUMN head_urgency INTEGER;
ALTER TABLE account ADD COLUMN head_position INTEGER;
ALTER TABLE account ADD COLUMN head_seq INTEGER;
CREATE INDEX account_by_head ON account (head_urgency, head_position, head_seq)
  WHERE full = 0 AND phase <> 'parked' AND head_seq IS NOT NULL;

ALTER TABLE gate ADD COLUMN path INTEGER REFERENCES path (id);
DROP INDEX gate_by_lane;
CREATE INDEX gate_by_path ON gate (path, head_urgency, head_position, head_seq) WHERE open = 1 AND head_seq IS NOT NULL;

DROP INDEX lane_by_head;
ALTER TABLE lane DROP COLUMN head_urgency;
ALTER TABLE lane DROP COLUMN head_position;
ALTER TABLE lane DROP COLUMN head_seq;

INSERT INTO path (account, lane, shut)
SELECT DISTINCT coalesce(g.account, 0), l.id, l.full OR l.stopped FROM gate g JOIN lane l ON l.id = g.lane;
UPDATE gate SET path = (SELECT id FROM path p WHERE p.account = coalesce(gate.account, 0) AND p.lane = gate.lane),
  open = (SELECT q.state = 'running' AND q.full = 0 FROM queue q WHERE q.id = gate.queue);
UPDATE path SET (head_urgency, head_position, head_seq) = (
  SELECT head_urgency, head_position, head_seq FROM gate WHERE path = path.id AND open = 1 AND head_seq IS NOT NULL
  ORDER BY head_urgency, head_position, head_seq LIMIT 1);
UPDATE account SET (head_urgency, head_position, head_seq) = (
  SELECT head_urgency, head_position, head_seq FROM path WHERE account = account.id AND shut = 0 AND head_seq IS NOT NULL
  ORDER BY head_urgency, head_position, head_seq LIMIT 1);

DROP INDEX gate_of_account;
CREATE INDEX gate_of_account ON gate (account, needs) WHERE account IS NOT NULL;
