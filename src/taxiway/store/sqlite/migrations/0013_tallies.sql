-- Counts of a queue's present tasks are kept as they change, so that asking for them costs the same at any depth.

CREATE TABLE tally (
  gate   INTEGER NOT NULL,
  state  TEXT NOT NULL,
  reason TEXT NOT NULL,  -- '' for none
  count  INTEGER NOT NULL CHECK (count >= 0),
  PRIMARY KEY (gate, state, reason)
) WITHOUT ROWID;

INSERT INTO tally (gate, state, reason, count)
SELECT gate, state, coalesce(reason, ''), count(*) FROM task WHERE superseded = 0 GROUP BY 1, 2, 3;

CREATE TRIGGER tally_new AFTER INSERT ON task WHEN NEW.superseded = 0
BEGIN
  INSERT INTO tally (gate, state, reason, count) VALUES (NEW.gate, NEW.state, coalesce(NEW.reason, ''), 1)
  ON CONFLICT DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER tally_moved AFTER UPDATE OF state, reason, gate, superseded ON task
WHEN OLD.superseded = 0 AND (NEW.superseded = 1 OR NEW.state <> OLD.state OR NEW.reason IS NOT OLD.reason OR NEW.gate <> OLD.gate)
BEGIN
  UPDATE tally SET count = count - 1 WHERE gate = OLD.gate AND state = OLD.state AND reason = coalesce(OLD.reason, '');
  INSERT INTO tally (gate, state, reason, count)
  SELECT NEW.gate, NEW.state, coalesce(NEW.reason, ''), 1 WHERE NEW.superseded = 0
  ON CONFLICT DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER tally_gone AFTER DELETE ON task WHEN OLD.superseded = 0
BEGIN
  UPDATE tally SET count = count - 1 WHERE gate = OLD.gate AND state = OLD.state AND reason = coalesce(OLD.reason, '');
END;
