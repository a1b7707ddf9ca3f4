-- Tasks were submitted to a queue, and so many of them have not ended.
UPDATE queue SET submitted = submitted + :more, open = open + :opened WHERE id = :queue
