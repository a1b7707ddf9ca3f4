-- Make the account's head the first head of its paths that are not shut, or nothing.
UPDATE account SET (head_urgency, head_position, head_seq) = (
  SELECT head_urgency, head_position, head_seq FROM path WHERE account = :account AND shut = 0 AND head_seq IS NOT NULL
  ORDER BY head_urgency, head_position, head_seq LIMIT 1
) WHERE id = :account
