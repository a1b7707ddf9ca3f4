-- Runners that work through a server: the key of each, and invitations, which are tokens that make one key and nothing else.
ALTER TABLE runner ADD COLUMN token TEXT;
ALTER TABLE token ADD COLUMN single_use INTEGER NOT NULL DEFAULT 0 CHECK (single_use IN (0, 1));
CREATE INDEX runner_of_token ON runner (token) WHERE token IS NOT NULL;
