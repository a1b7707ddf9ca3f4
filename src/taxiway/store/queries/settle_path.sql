-- Make the path's head the first head of its open gates, or nothing.
UPDATE path SET (head_urgency, head_position, head_seq) = (
  SELECT head_urgency, head_position, head_seq FROM gate WHERE path = :path AND open = 1 AND head_seq IS NOT NULL
  ORDER BY head_urgency, head_position, head_seq LIMIT 1
) WHERE id = :path RETURNING account
