-- Whether a run takes steers.
UPDATE run SET steerable = :steerable WHERE id = :run AND live = 1
