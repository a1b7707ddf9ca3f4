-- Up to which number changes of a tenant have been forgotten.
UPDATE tenant SET forgotten = max(forgotten, :version) WHERE name = :tenant
