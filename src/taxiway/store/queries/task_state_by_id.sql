-- A task's row, state and reason by its id.
SELECT seq, state, reason FROM task WHERE tenant = :tenant AND id = :id
