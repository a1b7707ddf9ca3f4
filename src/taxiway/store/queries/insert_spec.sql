-- What was asked.
INSERT INTO spec (task, hash, body) VALUES (:task, :hash, :body)
