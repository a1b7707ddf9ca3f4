-- The lines about dropped messages go along with this turn.
UPDATE dropped SET task = :task WHERE session = :session AND task IS NULL
