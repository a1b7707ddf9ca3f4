-- One event of a run.
INSERT INTO event (run, seq, type, at, data, body) VALUES (:run, :seq, :type, :at, :data, :body)
