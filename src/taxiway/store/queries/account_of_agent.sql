-- The account that an agent uses where it was said.
SELECT account FROM agent_account WHERE tenant = :tenant AND agent = :agent
