-- Slot numbers that live runs hold in an account.
SELECT account_slot FROM run WHERE account = :account AND live = 1 AND account_slot IS NOT NULL
