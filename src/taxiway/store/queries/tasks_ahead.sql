-- How many ready tasks go first through the same gate, up to a bound.
SELECT count(*) FROM (
  SELECT 1 FROM task WHERE gate = :gate AND ready = 1 AND (urgency, position, seq) < (:urgency, :position, :seq) LIMIT 10000
)
