-- Make the lane's head the first head of its open gates, or nothing.
UPDATE lane SET (head_urgency, head_position, head_seq) = (
  SELECT head_urgency, head_position, head_seq FROM gate WHERE lane = :lane AND open = 1 AND head_seq IS NOT NULL
  ORDER BY head_urgency, head_position, head_seq LIMIT 1
) WHERE id = :lane
