-- A session's process, before its program runs.
INSERT INTO warm_process (name, session, runner, mark, opened_at)
SELECT :name, s.id, n.id, :mark, :now FROM session s, runner n WHERE s.name = :session AND n.name = :runner
