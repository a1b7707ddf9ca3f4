-- I10: something belongs to a tenant that is not there
SELECT tenant FROM queue UNION SELECT tenant FROM lane UNION SELECT tenant FROM session
EXCEPT SELECT name FROM tenant LIMIT 100
