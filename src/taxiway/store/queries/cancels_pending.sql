-- Queues (0: all of a tenant) of which a cancel has pages left, and who asked for it: nothing of them starts.
SELECT subject, actor, tenant FROM cascade WHERE kind = 'cancel_all'
