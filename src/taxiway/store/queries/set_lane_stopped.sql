-- A lane refuses new work, or takes it again.
UPDATE lane SET stopped = :stopped, version = :version WHERE id = :lane
