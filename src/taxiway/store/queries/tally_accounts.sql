-- Accounts by phase.
SELECT phase, count(*) FROM account WHERE tenant = :tenant GROUP BY phase
