-- Make the gate's head the first ready task behind it, or nothing.
UPDATE gate SET (head_urgency, head_position, head_seq) = (
  SELECT urgency, position, seq FROM task WHERE gate = :gate AND ready = 1 ORDER BY urgency, position, seq LIMIT 1
) WHERE id = :gate RETURNING path
