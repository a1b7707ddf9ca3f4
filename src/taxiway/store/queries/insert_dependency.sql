-- An edge of the graph.
INSERT INTO dependency (parent, child, condition, name, settled) VALUES (:parent, :child, :condition, :name, :settled)
