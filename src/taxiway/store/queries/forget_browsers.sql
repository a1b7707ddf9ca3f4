-- Links and signed-in browsers that are over.
DELETE FROM token WHERE tenant = :tenant AND browser IS NOT NULL AND expires_at <= :now
