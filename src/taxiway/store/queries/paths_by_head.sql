-- Paths of an account with ready work whose lanes take it, the most urgent head first.
SELECT p.id, l.name, p.head_urgency, p.head_position, p.head_seq FROM path p JOIN lane l ON l.id = p.lane
WHERE p.account = :account AND p.shut = 0 AND p.head_seq IS NOT NULL
ORDER BY p.head_urgency, p.head_position, p.head_seq LIMIT :limit OFFSET :skip
