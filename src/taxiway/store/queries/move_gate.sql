-- A gate stands behind another account from now on.
UPDATE gate SET account = :account, path = :path WHERE id = :gate
