-- A pending question is decided; one that is void needs no telling.
UPDATE approval SET state = :state, open = (:state <> 'void'), why = :why, actor = :actor, decided_at = :now, version = :version WHERE id = :id
