-- An agent uses an account from now on.
INSERT INTO agent_account (tenant, agent, account) VALUES (:tenant, :agent, :account)
ON CONFLICT (tenant, agent) DO UPDATE SET account = excluded.account
