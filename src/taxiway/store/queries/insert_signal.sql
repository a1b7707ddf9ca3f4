-- An instruction to a live run.
INSERT INTO signal (name, run, kind, task, text, state, actor, created_at) VALUES (:name, :run, :kind, :task, :text, 'accepted', :actor, :now)
