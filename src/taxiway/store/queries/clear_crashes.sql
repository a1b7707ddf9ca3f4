-- A person runs it again: crashes count anew.
UPDATE task SET crashes = 0 WHERE seq = :seq AND crashes > 0 AND open = 1
