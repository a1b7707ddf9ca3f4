-- The task that took this one's place.
SELECT n.seq FROM task o JOIN task n ON n.retry_of = o.id AND n.tenant = o.tenant WHERE o.seq = :seq AND o.superseded = 1 ORDER BY n.seq DESC LIMIT 1
