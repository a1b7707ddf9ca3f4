-- A sweep of a session has reached its end, and with it the end of those that began before it.
DELETE FROM cascade WHERE subject = :session AND kind IN ('session_stop', 'session_reset', 'session_interrupt') AND until <= :until
