-- The account that an agent uses where the configuration says so.
SELECT account FROM agent_account WHERE tenant = 'default' AND agent = :agent
