-- A question, and what its rule has decided.
INSERT INTO approval (name, tenant, run, task, text, tool, input, state, open, why, actor, created_at, expires_at, decided_at, version, words)
VALUES (:name, :tenant, :run, :task, :text, :tool, :input, :state, :open, :why, :actor, :now, :expires_at, :decided_at, :version, :words)
