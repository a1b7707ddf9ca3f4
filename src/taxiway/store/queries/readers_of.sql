-- The next open dependents of a task whose specs hold a placeholder, with what they call it.
SELECT c.seq, c.id, c.name, d.name, s.body FROM dependency d JOIN task c ON c.seq = d.child JOIN spec s ON s.task = c.seq
WHERE d.parent = :parent AND d.child > :after AND c.open = 1 AND s.body LIKE '%${{%' ORDER BY d.child LIMIT :limit
