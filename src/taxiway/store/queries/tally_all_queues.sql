-- What was ever submitted to all queues, and what of it has not ended.
SELECT sum(submitted), sum(open) FROM queue
