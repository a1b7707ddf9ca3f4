"""The command line: one file per noun, each a thin coat over the same verbs that Python has."""
