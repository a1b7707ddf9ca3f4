-- What was made for the bearer of a token, and opens something.
SELECT name FROM token WHERE parent = :parent AND tenant = :tenant AND revoked_at IS NULL
