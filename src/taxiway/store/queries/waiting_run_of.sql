-- The waiting run of a task: its row, whether it has no slots, since when nobody has to be asked any more, and its runner.
SELECT r.id, r.parked, r.answered_at, n.name FROM run r JOIN runner n ON n.id = r.runner WHERE r.task = :task AND r.live = 1 AND r.state = 'waiting'
