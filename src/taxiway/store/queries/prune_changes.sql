-- Forget old lines of the change log in the order of their versions, never the last one: the next one counts on from it.
DELETE FROM change WHERE version IN (
  SELECT version FROM change
  WHERE version < coalesce(
    (SELECT version FROM change WHERE at >= :before ORDER BY version LIMIT 1), (SELECT max(version) FROM change))
  ORDER BY version LIMIT :limit)
RETURNING version
