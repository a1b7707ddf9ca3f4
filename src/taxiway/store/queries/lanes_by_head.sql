-- Lanes with room and ready work, the most urgent head first.
SELECT id, name, size, head_urgency, head_position, head_seq FROM lane
WHERE full = 0 AND head_seq IS NOT NULL AND stopped = 0 ORDER BY head_urgency, head_position, head_seq LIMIT :limit OFFSET :skip
