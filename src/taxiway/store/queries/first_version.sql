-- The number of the oldest change that is kept.
SELECT min(version) FROM change
