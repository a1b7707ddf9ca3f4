-- The path of an account (0: none) through a lane, made when it is new.
INSERT INTO path (account, lane, shut) SELECT :account, id, full OR stopped FROM lane WHERE id = :lane
ON CONFLICT (account, lane) DO UPDATE SET shut = shut RETURNING id
