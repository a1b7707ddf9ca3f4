-- Forget what readers have seen of a session.
DELETE FROM read_mark WHERE session = :session
