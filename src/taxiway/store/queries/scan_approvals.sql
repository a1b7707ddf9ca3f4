-- Approvals behind one of them, in the order in which they were asked.
SELECT id, name, state FROM approval WHERE tenant = :tenant AND id > :after ORDER BY id LIMIT :limit
