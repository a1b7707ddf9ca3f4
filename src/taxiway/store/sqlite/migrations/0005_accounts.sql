-- Accounts: allowances of providers that agents share. An account is one more thing that gates ready work: while it is
-- parked, or all its slots are taken, its gates are shut, and a claim never looks at what waits behind them.

CREATE TABLE account (
  id        INTEGER PRIMARY KEY,
  tenant    TEXT NOT NULL,
  name      TEXT NOT NULL,
  size      INTEGER CHECK (size >= 1),   -- its limit
  width     INTEGER CHECK (width >= 1),  -- what its provider seems to bear
  threshold INTEGER,
  credit    INTEGER NOT NULL DEFAULT 0,
  phase     TEXT NOT NULL DEFAULT 'open' CHECK (phase IN ('open', 'parked', 'probing')),
  round     INTEGER NOT NULL DEFAULT 0,
  strikes   INTEGER NOT NULL DEFAULT 0,
  kind      TEXT,
  why       TEXT,
  by_hand   INTEGER NOT NULL DEFAULT 0,
  since     INTEGER,
  until     INTEGER CHECK (until IS NULL OR phase = 'parked'),
  full      INTEGER NOT NULL DEFAULT 0,  -- a claim saw every slot taken; whatever frees or adds one clears it
  version   INTEGER NOT NULL DEFAULT 0,
  UNIQUE (tenant, name)
);
CREATE INDEX account_due ON account (until) WHERE until IS NOT NULL;

-- Which account an agent uses, where that is not the one of its own name.
CREATE TABLE agent_account (
  tenant  TEXT NOT NULL,
  agent   TEXT NOT NULL,
  account INTEGER NOT NULL REFERENCES account (id),
  PRIMARY KEY (tenant, agent)
) WITHOUT ROWID;

ALTER TABLE gate ADD COLUMN account INTEGER REFERENCES account (id);
CREATE INDEX gate_of_account ON gate (account) WHERE account IS NOT NULL;

ALTER TABLE run ADD COLUMN account INTEGER;
ALTER TABLE run ADD COLUMN account_slot INTEGER;
ALTER TABLE run ADD COLUMN account_round INTEGER;
ALTER TABLE run ADD COLUMN account_answered INTEGER NOT NULL DEFAULT 0;  -- its provider has answered, and that was counted
CREATE UNIQUE INDEX run_account_slot ON run (account, account_slot) WHERE live = 1 AND account IS NOT NULL; -- I3

ALTER TABLE task ADD COLUMN stumbles INTEGER NOT NULL DEFAULT 0;  -- turns taken again for a provider's failure
CREATE INDEX task_limited ON task (gate) WHERE state = 'scheduled' AND reason = 'rate_limit';

ALTER TABLE session ADD COLUMN on_limit TEXT CHECK (on_limit IS NULL OR on_limit = 'wait' OR on_limit = 'fail');
ALTER TABLE queue ADD COLUMN on_limit TEXT CHECK (on_limit IS NULL OR on_limit = 'wait' OR on_limit = 'fail');

INSERT INTO account (tenant, name)
SELECT DISTINCT q.tenant, substr(g.needs, 7) FROM gate g JOIN queue q ON q.id = g.queue WHERE g.needs LIKE 'agent:%';
UPDATE gate SET account = (
  SELECT a.id FROM account a JOIN queue q ON q.id = gate.queue WHERE a.tenant = q.tenant AND a.name = substr(gate.needs, 7)
) WHERE needs LIKE 'agent:%';
