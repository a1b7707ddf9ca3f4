-- I14: an account is parked for ever, and nobody parked it by hand
SELECT name FROM account WHERE phase = 'parked' AND until IS NULL AND by_hand = 0 LIMIT 100
