-- Where a task stands in its mailbox.
SELECT session, box FROM task WHERE seq = :seq
