-- How many tasks have not ended, in one queue (0: in all).
SELECT coalesce(sum(open), 0) FROM queue WHERE tenant = :tenant AND :queue IN (0, id)
