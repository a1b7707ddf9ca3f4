"""What was typed globally, wherever on the line it stood. Light: a help text needs nothing else."""

from __future__ import annotations


class Flags:
    """The global flags of one command line."""

    def __init__(self) -> None:
        self.wants_json = False
        self.store: str | None = None
        self.url: str | None = None
        self.token_file: str | None = None
