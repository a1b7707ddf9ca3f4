-- I14: a path's head is not the first head of its open gates
SELECT l.name FROM path p JOIN lane l ON l.id = p.lane WHERE p.head_seq IS NOT
  (SELECT head_seq FROM gate WHERE path = p.id AND open = 1 AND head_seq IS NOT NULL ORDER BY head_urgency, head_position, head_seq LIMIT 1) LIMIT 100
