-- Messages of a session that were offered to a running turn.
SELECT count(*) FROM task WHERE session = :session AND box = 4
