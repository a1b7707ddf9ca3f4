-- An account after a word of its provider or of a person; what was full is looked at again.
UPDATE account SET size = :size, width = :width, threshold = :threshold, credit = :credit, phase = :phase, round = :round,
  strikes = :strikes, kind = :kind, why = :why, by_hand = :by_hand, since = :since, until = :until, full = 0, version = :version
WHERE id = :account
