"""``taxiway fake-agent``: a scripted agent that is a real program, for trying things out and for tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import click

from taxiway.cli.verb import Verb

PROGRAM: Final = Path(__file__).parents[1] / "testing" / "fakeagent"


@click.command("fake-agent", cls=Verb, context_settings={"ignore_unknown_options": True})
@click.option("--script", metavar="FILE", help="What it does: a script in YAML or JSON. [default: it echoes]")
@click.option(
    "--protocol",
    type=click.Choice(["lines", "acp", "codex", "claude", "terminal"]),
    help="What it speaks; a terminal is a prompt for people. [default: lines]",
)
@click.option("--thread", metavar="ID", help="Go on with this conversation.")
@click.option("--model", metavar="NAME", help="What {model} stands for in the script.")
@click.option("--memory", metavar="FOLDER", help="Keep conversations here, so that one can be gone on with.")
@click.option("--journal", metavar="FILE", help="Add a line of JSON for every turn, steer and interrupt that came.")
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
def fake_agent(flags: tuple[str, ...], **given: str | None) -> None:
    """A scripted agent as a real program, for tests and trials.

    It streams, hangs, floods, crashes, declines as its script says; docs/fake-agent.md tells how one is written. As
    `claude` it takes that program's own FLAGS, too.
    """
    options = [f"--{name}={value}" for name, value in given.items() if value is not None]
    argv = [sys.executable, "-I", str(PROGRAM), *options, *flags]
    os.execv(sys.executable, argv)  # noqa: S606  (an argv list is what we want)
