-- What was ever submitted to a tenant's queues, and what of it has not ended.
SELECT sum(submitted), sum(open) FROM queue WHERE tenant = :tenant
