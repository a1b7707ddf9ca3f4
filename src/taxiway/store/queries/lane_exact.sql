-- Exactly this lane.
SELECT id, size FROM lane WHERE tenant = :tenant AND name = :name AND queue = :queue
