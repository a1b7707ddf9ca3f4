-- What was asked and answered under a key.
SELECT hash, status, body FROM reply WHERE tenant = :tenant AND key = :key
