-- Forget old lines of the change log, never the last one: its number is what the next one counts on from.
DELETE FROM change WHERE version IN (
  SELECT version FROM change WHERE at < :before AND version < (SELECT max(version) FROM change) ORDER BY version LIMIT :limit)
RETURNING version
