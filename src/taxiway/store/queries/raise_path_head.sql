-- The head of an open gate that goes before the path's head becomes the path's head.
UPDATE path SET head_urgency = :urgency, head_position = :position, head_seq = :seq
WHERE id = :path AND (head_seq IS NULL OR (head_urgency, head_position, head_seq) > (:urgency, :position, :seq))
RETURNING account, shut
