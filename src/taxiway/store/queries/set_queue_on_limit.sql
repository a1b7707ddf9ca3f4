-- What tasks of a queue do about limits of providers.
UPDATE queue SET on_limit = :on_limit, version = :version WHERE id = :queue
