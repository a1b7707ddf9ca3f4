-- A task's row, state and reason by its id.
SELECT seq, state, reason FROM task WHERE id = :id
