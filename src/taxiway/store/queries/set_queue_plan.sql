-- A plan fills the queue anew.
UPDATE queue SET plan = :plan, slots = :slots, full = 0, version = :version WHERE id = :queue
