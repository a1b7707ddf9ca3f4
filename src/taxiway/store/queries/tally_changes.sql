-- Lines of the whole change log between two versions, by what became what.
SELECT kind, state, reason, count(*) FROM change WHERE version > :after AND version <= :until GROUP BY kind, state, reason
