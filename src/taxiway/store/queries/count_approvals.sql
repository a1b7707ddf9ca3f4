-- How many questions a run has asked, and how many are open.
SELECT (SELECT count(*) FROM approval WHERE task = :task AND run = :run), (SELECT count(*) FROM approval WHERE run = :run AND open = 1)
