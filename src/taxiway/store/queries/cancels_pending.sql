-- Queues (0: all) of which a cancel has pages left: nothing of them starts.
SELECT subject FROM cascade WHERE kind = 'cancel_all'
