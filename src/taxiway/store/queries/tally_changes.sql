-- Lines of the change log between two versions, by what became what.
SELECT kind, state, reason, count(*) FROM change WHERE version > :after AND version <= :until AND tenant = :tenant GROUP BY kind, state, reason
