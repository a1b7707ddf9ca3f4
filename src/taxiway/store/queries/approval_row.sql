-- What deciding a question needs.
SELECT a.id, a.name, a.run, a.state, a.why, a.actor, r.name, a.words FROM approval a JOIN run r ON r.id = a.run WHERE a.name = :name AND a.tenant = :tenant
