-- The process that held a conversation is gone.
UPDATE session SET process = NULL WHERE id = :session AND process = :process
