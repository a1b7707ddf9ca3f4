-- What a task's templates may take of the tasks it waits for.
SELECT d.name, p.state, r.output, r.value, p.exit_code
FROM dependency d JOIN task p ON p.seq = d.parent LEFT JOIN result r ON r.task = coalesce(p.carrier, p.seq) WHERE d.child = :child
