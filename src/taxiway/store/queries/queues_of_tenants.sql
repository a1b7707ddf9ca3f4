-- The queues of a name in a project, whose ever they are.
SELECT q.id FROM tenant t JOIN queue q ON q.tenant = t.name AND q.project = :project AND q.name = :name ORDER BY t.name
