-- A runner's processes that hold no conversation any more.
SELECT w.name FROM warm_process w JOIN runner n ON n.id = w.runner JOIN session s ON s.id = w.session
WHERE n.name = :runner AND s.process IS NOT w.name
