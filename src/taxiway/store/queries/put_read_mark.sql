-- What a reader has seen of a session.
INSERT INTO read_mark (session, reader, version) VALUES (:session, :reader, :version)
ON CONFLICT (session, reader) DO UPDATE SET version = excluded.version
