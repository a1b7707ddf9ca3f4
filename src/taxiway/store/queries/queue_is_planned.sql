-- Whether a queue belongs to a plan.
SELECT 1 FROM queue WHERE id = :queue AND standing = 0
