-- Where a run stands.
SELECT session, generation FROM run WHERE id = :run
