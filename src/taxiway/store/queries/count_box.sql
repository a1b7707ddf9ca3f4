-- Messages of a session came, moved on, or left.
UPDATE session SET waiting = waiting + :waiting, capped = capped + :capped, held = held + :held, live = live + :live WHERE id = :session
