-- What took a task's place is found from the older task, and a lane's gates from the lane.

CREATE INDEX task_by_retry_of ON task (retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX gate_of_lane ON gate (lane);
