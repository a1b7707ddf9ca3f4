-- A ready task that goes before the gate's head becomes the head.
UPDATE gate SET head_urgency = :urgency, head_position = :position, head_seq = :seq
WHERE id = :gate AND (head_seq IS NULL OR (head_urgency, head_position, head_seq) > (:urgency, :position, :seq))
RETURNING path, open
