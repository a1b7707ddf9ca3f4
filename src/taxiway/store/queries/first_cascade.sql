-- The oldest cascade with pages left.
SELECT id, kind, subject, after, until, actor, tenant FROM cascade ORDER BY id LIMIT 1
