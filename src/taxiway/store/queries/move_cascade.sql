-- A page is done.
UPDATE cascade SET after = :after WHERE id = :id
