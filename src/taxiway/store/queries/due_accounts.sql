-- Parked accounts whose reset has come.
SELECT id FROM account WHERE until IS NOT NULL AND until <= :now ORDER BY until LIMIT :limit
