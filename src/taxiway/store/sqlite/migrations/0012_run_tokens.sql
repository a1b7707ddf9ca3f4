-- Runs that ask for work themselves: which run submitted a task, and how deep below one that nobody's run submitted.
ALTER TABLE task ADD COLUMN submitter TEXT;
ALTER TABLE task ADD COLUMN depth INTEGER NOT NULL DEFAULT 0;
CREATE INDEX task_of_submitter ON task (submitter) WHERE submitter IS NOT NULL;

-- What tokens of runs are computed with.
CREATE TABLE run_key (
  id  INTEGER PRIMARY KEY CHECK (id = 1),
  key BLOB NOT NULL CHECK (length(key) = 32)
);

-- A link that signs a browser in once, and a browser that is signed in: each for the bearer of another token (parent).
ALTER TABLE token ADD COLUMN browser TEXT CHECK (browser IN ('link', 'session'));
ALTER TABLE token ADD COLUMN parent TEXT;
CREATE INDEX token_of_parent ON token (parent) WHERE parent IS NOT NULL;
