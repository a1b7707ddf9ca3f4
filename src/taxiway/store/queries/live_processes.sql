-- Processes of live runs, of a tenant or ('') of all.
SELECT process FROM run WHERE live = 1 AND process IS NOT NULL AND :tenant IN ('', tenant)
