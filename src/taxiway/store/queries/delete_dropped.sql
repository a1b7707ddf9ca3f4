-- The lines that went along with a turn that is over.
DELETE FROM dropped WHERE session = :session AND task = :task
