-- A slot of the lane is free again.
UPDATE lane SET full = 0 WHERE id = :lane AND full = 1 RETURNING id
