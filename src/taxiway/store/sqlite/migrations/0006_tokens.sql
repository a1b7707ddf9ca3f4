-- Tokens: who may ask a server for what. Of a secret only a hash is kept.
CREATE TABLE token (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,     -- its id
  tenant     TEXT NOT NULL,
  bearer     TEXT NOT NULL,
  scope      TEXT NOT NULL CHECK (scope IN ('viewer', 'operator', 'admin', 'runner', 'run')),
  hash       BLOB NOT NULL CHECK (length(hash) = 32),
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  used_at    INTEGER,
  revoked_at INTEGER,
  version    INTEGER NOT NULL
);
CREATE INDEX token_of_tenant ON token (tenant, id);

-- What was answered to a mutation that came with a key, so that a repeated one is answered the same and does nothing.
CREATE TABLE reply (
  tenant TEXT NOT NULL,
  key    TEXT NOT NULL,
  hash   BLOB NOT NULL,    -- of what was asked
  status INTEGER,          -- none: it was begun, and nobody knows how it ended
  body   BLOB,
  at     INTEGER NOT NULL,
  PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE INDEX reply_by_age ON reply (at);
