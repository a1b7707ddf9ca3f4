-- Ids of tasks that end so.
SELECT id FROM task WHERE substr(id, -length(:suffix)) = :suffix LIMIT 50
