-- Every lane that work of this queue may name.
SELECT name FROM lane WHERE tenant = :tenant AND queue IN (:queue, 0) ORDER BY name
