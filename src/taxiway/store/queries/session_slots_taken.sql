-- Slots of a session that live runs hold.
SELECT session_slot FROM run WHERE session = :session AND live = 1
