-- Every queue's name.
SELECT name FROM queue WHERE tenant = :tenant AND project IN (:project, '') ORDER BY name
