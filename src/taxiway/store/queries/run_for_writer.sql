-- A run as its writer finds it, with what settling its task needs.
SELECT r.id, r.task, r.fence, r.live, r.state, r.stop, r.queue, r.queue_slot, r.lane, r.lane_slot, r.events, r.batch, r.tenant,
  t.id, t.attempt, t.fence, t.crashes, t.stop, t.gate, t.urgency, t.position,
  r.session, r.generation, t.box, r.process IS NOT NULL, r.account, r.account_round, r.account_answered, t.stumbles
FROM run r JOIN task t ON t.seq = r.task WHERE r.name = :run
