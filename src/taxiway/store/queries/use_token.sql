-- When a token was used last.
UPDATE token SET used_at = :at WHERE name = :name AND (used_at IS NULL OR used_at < :at)
