-- A run whose account has heard that its provider answers.
UPDATE run SET account_answered = 1 WHERE id = :run
