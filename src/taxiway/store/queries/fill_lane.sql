-- A claim saw every slot of the lane taken.
UPDATE lane SET full = 1 WHERE id = :lane
