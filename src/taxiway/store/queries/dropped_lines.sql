-- The lines that go along with a turn.
SELECT line FROM dropped WHERE session = :session AND task = :task ORDER BY seq
