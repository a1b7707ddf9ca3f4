-- I14: a session's counts are not those of its messages
SELECT s.name FROM session s WHERE
  s.waiting <> (SELECT count(*) FROM task t WHERE t.session = s.id AND t.open = 1 AND t.box IN (1, 3))
  OR s.capped <> (SELECT count(*) FROM task t WHERE t.session = s.id AND t.open = 1 AND t.box IN (1, 3) AND t.capped = 1)
  OR s.held <> (SELECT count(*) FROM task t WHERE t.session = s.id AND t.box = 2)
  OR s.live <> (SELECT count(*) FROM run r WHERE r.session = s.id AND r.live = 1) LIMIT 100
