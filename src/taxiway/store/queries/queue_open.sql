-- How many tasks of a queue have not ended, and whether it ends with the last one.
SELECT open, standing, state FROM queue WHERE id = :queue
