-- A newer task took this one's place.
UPDATE task SET superseded = 1, version = :version WHERE seq = :seq
