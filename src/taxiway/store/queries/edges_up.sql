-- What a task waits for.
SELECT parent, condition, name FROM dependency WHERE child = :child
