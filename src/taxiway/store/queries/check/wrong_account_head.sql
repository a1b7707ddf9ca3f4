-- I14: an account's head is not the first head of its paths that are not shut
SELECT a.name FROM account a WHERE a.head_seq IS NOT
  (SELECT head_seq FROM path WHERE account = a.id AND shut = 0 AND head_seq IS NOT NULL ORDER BY head_urgency, head_position, head_seq LIMIT 1) LIMIT 100
