-- Forget the lines about messages that a session let go.
DELETE FROM dropped WHERE session = :session
