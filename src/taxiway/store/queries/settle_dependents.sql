-- The parent's end has been counted for these dependents.
UPDATE dependency SET settled = 1 WHERE parent = :parent AND child > :after AND child <= :last AND settled = 0
