-- The run of a claim, with its slots and its first event counted.
INSERT INTO run (id, name, tenant, task, runner, fence, attempt, state, queue, queue_slot, lane, lane_slot, session, session_slot, generation, account, account_slot, account_round, events, claimed_at, started_at)
VALUES (:id, :name, :tenant, :task, :runner, :fence, :attempt, :state, :queue, :queue_slot, :lane, :lane_slot, :session, :session_slot, :generation, :account, :account_slot, :account_round, 1, :now, :started_at)
