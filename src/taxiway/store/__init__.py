"""The store remembers: one protocol of verbs, each one transaction; state lives here and nowhere else."""
