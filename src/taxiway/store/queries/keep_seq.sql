-- The newest task goes: its submission number stays taken.
INSERT INTO meta (key, value) VALUES ('last_seq', :seq) ON CONFLICT (key) DO UPDATE SET value = excluded.value
