-- A runner drains or is gone.
UPDATE runner SET state = :state, version = :version WHERE name = :name
