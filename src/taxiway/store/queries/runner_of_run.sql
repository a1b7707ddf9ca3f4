-- Whose run it is.
SELECT runner.name FROM run JOIN runner ON runner.id = run.runner WHERE run.name = :run
