"""``taxiway doctor``."""

from __future__ import annotations

import click

from taxiway.cli.verb import Verb


@click.command(cls=Verb)
def doctor() -> None:
    """Later today."""
