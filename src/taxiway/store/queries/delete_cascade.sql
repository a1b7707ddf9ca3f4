-- All pages are done.
DELETE FROM cascade WHERE id = :id
