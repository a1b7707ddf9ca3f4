-- The oldest cascade with pages left.
SELECT id, kind, subject, after, until, actor FROM cascade ORDER BY id LIMIT 1
