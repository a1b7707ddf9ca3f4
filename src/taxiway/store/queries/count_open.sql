-- Tasks of a queue that have not ended: more, or fewer.
UPDATE queue SET open = open + :more WHERE id = :queue
