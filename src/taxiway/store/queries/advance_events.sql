-- Count a batch of events.
UPDATE run SET events = :events, batch = :batch WHERE id = :run
