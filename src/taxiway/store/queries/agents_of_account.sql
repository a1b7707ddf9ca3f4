-- The agents that use an account: those that were said to, and one of its own name that was said nothing of. The second
-- part goes from one need to the next, over however many gates.
WITH RECURSIVE used (needs) AS (
  SELECT min(needs) FROM gate WHERE account = :account
  UNION ALL
  SELECT (SELECT min(needs) FROM gate WHERE account = :account AND needs > used.needs) FROM used WHERE used.needs IS NOT NULL
)
SELECT agent FROM agent_account WHERE account = :account
UNION SELECT substr(needs, 7) FROM used WHERE needs IS NOT NULL
ORDER BY 1
