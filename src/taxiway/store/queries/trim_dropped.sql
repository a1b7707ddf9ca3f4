-- No more lines than the cap: the oldest go.
DELETE FROM dropped WHERE session = :session AND task IS NULL AND seq NOT IN (
  SELECT seq FROM dropped WHERE session = :session AND task IS NULL ORDER BY seq DESC LIMIT :cap)
