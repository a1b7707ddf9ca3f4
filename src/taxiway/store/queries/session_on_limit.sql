-- What a session's messages do about limits of providers.
SELECT on_limit FROM session WHERE tenant = :tenant AND name = :name
