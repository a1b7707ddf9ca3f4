-- The number of the last change.
SELECT max(version) FROM change
