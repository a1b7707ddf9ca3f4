-- The gates of an agent that stand behind another account than the one it uses now.
SELECT id FROM gate WHERE needs = :needs AND account IS NOT :account
