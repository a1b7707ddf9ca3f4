-- Accounts that let runs through and have ready work, the most urgent head first.
SELECT id, head_urgency, head_position, head_seq FROM account
WHERE full = 0 AND phase <> 'parked' AND head_seq IS NOT NULL ORDER BY head_urgency, head_position, head_seq LIMIT :limit OFFSET :skip
