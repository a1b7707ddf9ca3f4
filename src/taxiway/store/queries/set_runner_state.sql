-- A runner drains, is declared lost, or is gone.
UPDATE runner SET state = :state, version = :version WHERE name = :name
