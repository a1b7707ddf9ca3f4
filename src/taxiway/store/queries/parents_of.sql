-- What a task's templates may take of the tasks it waits for.
SELECT d.name, p.state, r.output, r.value, p.exit_code,
  (SELECT last.name FROM run last WHERE last.task = coalesce(p.carrier, p.seq) ORDER BY last.fence DESC LIMIT 1)
FROM dependency d JOIN task p ON p.seq = d.parent LEFT JOIN result r ON r.task = coalesce(p.carrier, p.seq) WHERE d.child = :child
