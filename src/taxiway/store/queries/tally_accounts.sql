-- Accounts by phase: those that work of a tenant may wait behind, or ('') all.
SELECT phase, count(*) FROM account WHERE :tenant = '' OR shared = 1 OR (tenant = :tenant
  AND NOT EXISTS (SELECT 1 FROM account s WHERE s.name = account.name AND s.shared = 1)) GROUP BY phase
