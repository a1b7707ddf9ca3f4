-- The head of an open gate that goes before the lane's head becomes the lane's head.
UPDATE lane SET head_urgency = :urgency, head_position = :position, head_seq = :seq
WHERE id = :lane AND (head_seq IS NULL OR (head_urgency, head_position, head_seq) > (:urgency, :position, :seq))
