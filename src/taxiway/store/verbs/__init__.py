"""The verbs of the store, each a function of one transaction; the databases differ only in their statements."""
