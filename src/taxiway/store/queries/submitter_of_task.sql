-- Which run submitted a task, and how deep it is.
SELECT submitter, depth FROM task WHERE seq = :task
