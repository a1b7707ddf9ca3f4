"""Plan files: YAML, TOML and JSON read into a checked plan (``reading``), and which project a file belongs to."""
