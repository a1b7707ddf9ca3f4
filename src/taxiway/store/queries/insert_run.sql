-- The run of a claim, with its slots and its first event counted.
INSERT INTO run (name, tenant, task, runner, fence, attempt, state, queue, queue_slot, lane, lane_slot, events, claimed_at, started_at)
VALUES (:name, :tenant, :task, :runner, :fence, :attempt, :state, :queue, :queue_slot, :lane, :lane_slot, 1, :now, :started_at)
RETURNING id
