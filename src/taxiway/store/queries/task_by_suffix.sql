-- Ids of tasks that end so.
SELECT id FROM task WHERE tenant = :tenant AND substr(id, -length(:suffix)) = :suffix LIMIT 50
