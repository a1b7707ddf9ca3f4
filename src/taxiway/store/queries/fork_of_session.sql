-- What a session began as: whose conversation, of which generation, and until when they were one.
SELECT o.id, s.fork_generation, s.forked_at FROM session s JOIN session o ON o.name = s.forked_from WHERE s.id = :session
