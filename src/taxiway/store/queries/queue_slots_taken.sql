-- Slot numbers that live runs hold in a queue.
SELECT queue_slot FROM run WHERE queue = :queue AND live = 1 AND queue_slot IS NOT NULL
