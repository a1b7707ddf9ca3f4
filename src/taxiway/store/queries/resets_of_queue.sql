-- What resets of a queue have left.
SELECT id, after, until, actor FROM cascade WHERE kind = 'reset' AND subject = :queue
