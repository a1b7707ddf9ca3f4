-- Forget old changes of a tenant, a prefix of its log. Its newest one stays, so that no number is given twice.
DELETE FROM change WHERE version IN (
  SELECT version FROM change
  WHERE tenant = :tenant AND version < coalesce(
    (SELECT version FROM change WHERE tenant = :tenant AND at >= :before ORDER BY version LIMIT 1),
    (SELECT max(version) FROM change WHERE tenant = :tenant))
  ORDER BY version LIMIT :limit)
RETURNING version
