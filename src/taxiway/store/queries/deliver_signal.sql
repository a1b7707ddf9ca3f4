-- An instruction has reached the turn that it is for, and has not been answered.
UPDATE signal SET state = 'delivered' WHERE id = :id AND state = 'accepted'
