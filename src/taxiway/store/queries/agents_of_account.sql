-- The agents that use an account: those that were said to, and one of its own name that was said nothing of.
SELECT agent FROM agent_account WHERE account = :account
UNION SELECT DISTINCT substr(needs, 7) FROM gate WHERE account = :account
ORDER BY 1
