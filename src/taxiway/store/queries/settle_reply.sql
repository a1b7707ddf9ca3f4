-- What it was answered.
UPDATE reply SET status = :status, body = :body WHERE tenant = :tenant AND key = :key
