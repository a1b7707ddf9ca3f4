-- The key that a runner works with.
SELECT token FROM runner WHERE name = :runner
