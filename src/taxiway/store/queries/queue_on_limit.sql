-- What a queue's tasks do about limits of providers.
SELECT on_limit FROM queue WHERE id = :queue
