-- The gates of an agent that stand behind another account than the one it uses now, and their paths.
SELECT g.id, g.lane, g.path FROM gate g WHERE g.needs = :needs AND g.account IS NOT :account
