-- An instruction has reached the turn that it is for, and has not been answered.
UPDATE signal SET state = 'delivered' WHERE run = :run AND name = :signal AND state = 'accepted'
