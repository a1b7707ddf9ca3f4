-- A session is put away, or taken back.
UPDATE session SET archived = :archived, process = NULL, updated_at = :now, version = :version WHERE id = :session
