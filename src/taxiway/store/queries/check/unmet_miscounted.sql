-- I8: a blocked task's count of unmet conditions is wrong
SELECT t.id FROM task t WHERE t.state = 'blocked' AND t.unmet <>
  (SELECT count(*) FROM dependency d WHERE d.child = t.seq AND d.settled = 0) LIMIT 100
