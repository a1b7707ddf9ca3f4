-- Processes of sessions that are not known to be gone.
SELECT w.name, s.name, n.name, w.mark, w.opened_at FROM warm_process w JOIN session s ON s.id = w.session JOIN runner n ON n.id = w.runner
ORDER BY w.name
