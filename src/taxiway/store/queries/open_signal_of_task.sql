-- The open signal that brings a message.
SELECT id, name, run FROM signal WHERE task = :task AND settled_at IS NULL
