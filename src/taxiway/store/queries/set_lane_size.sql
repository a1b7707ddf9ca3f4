-- A lane's limit changes; the next claim looks at it anew.
UPDATE lane SET size = :size, full = 0, version = :version WHERE id = :lane
