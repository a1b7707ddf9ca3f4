-- What a session has used so far.
SELECT usage, name FROM session WHERE id = :session
