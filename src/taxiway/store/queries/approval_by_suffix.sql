-- Ids of approvals that end so.
SELECT name FROM approval WHERE substr(name, -length(:suffix)) = :suffix LIMIT 50
