-- The group of ready tasks that this queue, lane and need gate.
SELECT id FROM gate WHERE queue = :queue AND lane = :lane AND needs = :needs
