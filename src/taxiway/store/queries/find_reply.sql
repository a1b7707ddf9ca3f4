-- What was asked, done and answered under a key.
SELECT hash, status, body, done FROM reply WHERE tenant = :tenant AND key = :key
