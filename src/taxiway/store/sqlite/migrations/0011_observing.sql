-- How a tenant is doing is counted among what is its own, whatever others have; see the statements tally_….

ALTER TABLE queue ADD COLUMN submitted INTEGER NOT NULL DEFAULT 0;  -- tasks, ever
UPDATE queue SET submitted = (SELECT count(*) FROM task WHERE task.queue = queue.id);

CREATE INDEX run_ended_of ON run (tenant) WHERE live = 0;
CREATE INDEX task_scheduled ON task (tenant) WHERE state = 'scheduled';
CREATE INDEX approval_pending_of ON approval (tenant) WHERE state = 'pending';
