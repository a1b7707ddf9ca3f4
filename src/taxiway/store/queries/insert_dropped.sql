-- A line about a message that had to go.
INSERT INTO dropped (session, seq, line) VALUES (:session, :seq, :line)
