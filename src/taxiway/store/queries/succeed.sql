-- Another message becomes the one that carries these.
UPDATE task SET carrier = CASE WHEN seq = :heir THEN NULL ELSE :heir END, box = CASE WHEN seq = :heir THEN 1 ELSE 3 END
WHERE carrier = :seq AND box = 3
