-- What messages of a session do about limits of providers.
UPDATE session SET on_limit = :on_limit, version = :version WHERE id = :session
