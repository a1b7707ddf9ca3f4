-- A task is gone, and with it what its end had left to do.
DELETE FROM cascade WHERE kind = 'dependents' AND subject = :task
