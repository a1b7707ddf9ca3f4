-- An instruction to a live run.
INSERT INTO signal (name, run, kind, task, state, actor, created_at) VALUES (:name, :run, :kind, :task, 'accepted', :actor, :now)
