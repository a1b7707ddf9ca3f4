-- The head of a path that is not shut, and goes before the account's head, becomes the account's head.
UPDATE account SET head_urgency = :urgency, head_position = :position, head_seq = :seq
WHERE id = :account AND (head_seq IS NULL OR (head_urgency, head_position, head_seq) > (:urgency, :position, :seq))
