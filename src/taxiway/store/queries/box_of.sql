-- Where a task stands in its mailbox.
SELECT session, box, queue FROM task WHERE seq = :seq
