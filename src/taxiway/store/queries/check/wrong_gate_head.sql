-- I14: a gate's head is not its first ready task
SELECT g.id FROM gate g WHERE g.head_seq IS NOT
  (SELECT seq FROM task WHERE gate = g.id AND ready = 1 ORDER BY urgency, position, seq LIMIT 1) LIMIT 100
