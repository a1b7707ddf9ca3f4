-- How people know a task: its queue, its name, its state, its project.
SELECT q.name, t.name, t.state, t.project FROM task t JOIN queue q ON q.id = t.queue WHERE t.tenant = :tenant AND t.id = :id
