-- Forget runners that are gone and have no runs left.
DELETE FROM runner WHERE state = 'gone' AND seen_at < :before AND NOT EXISTS (SELECT 1 FROM run r WHERE r.runner = runner.id)
