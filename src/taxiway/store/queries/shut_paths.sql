-- Every path through a lane is shut when the lane is full or stopped, and open when not; the accounts whose heads may change.
UPDATE path SET shut = l.full OR l.stopped FROM lane l
WHERE l.id = :lane AND path.lane = l.id AND path.shut <> (l.full OR l.stopped) RETURNING path.account
