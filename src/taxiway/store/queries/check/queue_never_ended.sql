-- I14: a plan's queue is running or stopping although all its tasks have ended
SELECT q.name FROM queue q WHERE q.open = 0 AND ((q.state = 'running' AND q.standing = 0) OR q.state = 'stopping') LIMIT 100
