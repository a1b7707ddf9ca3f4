-- Queues (0: all) of which a cancel has pages left, and who asked for it: nothing of them starts.
SELECT subject, actor FROM cascade WHERE kind = 'cancel_all'
