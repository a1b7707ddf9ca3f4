-- A turn begins: what was merged into its message rides with it.
UPDATE task SET box = 5, capped = 0 WHERE carrier = :seq AND box = 3
