-- Whether a lane refuses work.
SELECT 1 FROM lane WHERE id = :lane AND stopped = 1
