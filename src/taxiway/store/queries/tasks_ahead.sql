-- How many ready tasks behind a gate go before a task, up to a bound.
SELECT count(*) FROM (
  SELECT 1 FROM task WHERE gate = :gate AND ready = 1 AND (urgency, position, seq) < (:urgency, :position, :seq) LIMIT :limit
) AS ahead
