-- It was refused, and nothing was stored: it may be asked again.
DELETE FROM reply WHERE tenant = :tenant AND key = :key
