-- I14: a lane's head is not the first head of its open gates
SELECT l.name FROM lane l WHERE l.head_seq IS NOT
  (SELECT head_seq FROM gate WHERE lane = l.id AND open = 1 AND head_seq IS NOT NULL ORDER BY head_urgency, head_position, head_seq LIMIT 1) LIMIT 100
