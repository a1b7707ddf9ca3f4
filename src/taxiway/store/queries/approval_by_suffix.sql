-- Ids of approvals that end so.
SELECT name FROM approval WHERE substr(name, -length(:suffix)) = :suffix AND tenant = :tenant LIMIT 50
