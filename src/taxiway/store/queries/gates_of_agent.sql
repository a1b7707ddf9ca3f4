-- The gates of an agent that stand behind another account than the one it uses now.
SELECT g.id, g.account FROM gate g WHERE g.account = :before AND g.needs = :needs
