-- I14: a path is shut although its lane takes work, or open although it takes none
SELECT l.name FROM path p JOIN lane l ON l.id = p.lane WHERE p.shut <> (l.full OR l.stopped) LIMIT 100
