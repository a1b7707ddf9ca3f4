"""The SQLite store: one file, one writer connection in each process, readers apart."""
