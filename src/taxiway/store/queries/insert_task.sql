-- A new task.
INSERT INTO task (seq, id, tenant, project, queue, gate, name, urgency, position, state, reason, ready, open, unmet, created_at, due_at,
  expires_at, finished_at, error, retry_of, session, box, capped, carrier, kin, joined_at, version, submitter, depth)
VALUES (:seq, :id, :tenant, :project, :queue, :gate, :name, :urgency, :position, :state, :reason, :ready, :open, :unmet, :now, :due_at,
  :expires_at, :finished_at, :error, :retry_of, :session, :box, :capped, :carrier, :kin, :joined_at, :version, :submitter, :depth)
