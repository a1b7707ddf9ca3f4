-- Whether a task's name, labels, command or prompt hold a text, whatever the case of its letters.
SELECT 1 FROM task t JOIN spec s ON s.task = t.seq WHERE t.seq = :task AND t.tenant = :tenant AND (
  t.name LIKE :text ESCAPE '\'
  OR s.body ->> '$.prompt' LIKE :text ESCAPE '\'
  OR s.body ->> '$.shell' LIKE :text ESCAPE '\'
  OR EXISTS (SELECT 1 FROM json_each(s.body, '$.command') c WHERE c.value LIKE :text ESCAPE '\')
  OR EXISTS (SELECT 1 FROM label l WHERE l.task = t.seq AND (l.key LIKE :text ESCAPE '\' OR l.value LIKE :text ESCAPE '\'))
)
