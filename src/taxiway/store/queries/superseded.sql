-- Whether a newer task took this one's place.
SELECT 1 FROM task WHERE seq = :seq AND superseded = 1
