-- A queue of exactly this project.
SELECT id FROM queue WHERE tenant = :tenant AND project = :project AND name = :name
