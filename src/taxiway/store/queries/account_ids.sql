-- Every account that work of a tenant may wait behind: the shared ones, and its own.
SELECT id FROM account WHERE shared = 1 OR (tenant = :tenant
  AND NOT EXISTS (SELECT 1 FROM account s WHERE s.name = account.name AND s.shared = 1)) ORDER BY name
