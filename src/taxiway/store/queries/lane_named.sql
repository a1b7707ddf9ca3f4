-- A lane by its name: of this queue, else store-wide.
SELECT id, name, queue, size, stopped FROM lane WHERE tenant = :tenant AND name = :name AND queue IN (:queue, 0) ORDER BY queue DESC LIMIT 1
