-- Tenants: whose everything is. What somebody means by an id or a name is looked up in the tenant, so that ids are
-- unique in each of them; what rows refer to by their numbers is of the same tenant, as the invariant queries ask (I10).

CREATE TABLE tenant (
  name      TEXT PRIMARY KEY,
  made_at   INTEGER NOT NULL,
  forgotten INTEGER NOT NULL DEFAULT 0  -- the number of its newest change that a prune took
) WITHOUT ROWID;
INSERT INTO tenant (name, made_at, forgotten)
SELECT tenant, min(created_at), (SELECT coalesce(min(version), 1) - 1 FROM change) FROM queue GROUP BY tenant;

DROP INDEX task_by_id;
CREATE UNIQUE INDEX task_by_id ON task (tenant, id);
CREATE INDEX change_of_tenant ON change (tenant, version);

ALTER TABLE cascade ADD COLUMN tenant TEXT NOT NULL DEFAULT 'default';

-- An account of the configuration is one allowance, whoever uses it.
ALTER TABLE account ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;
UPDATE account SET shared = 1 WHERE size IS NOT NULL OR id IN (SELECT account FROM agent_account);
