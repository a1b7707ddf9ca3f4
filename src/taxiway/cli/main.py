"""The command line's root: which command stands in which module, and what becomes of an error.

Modules are imported when their command is wanted, so that ``taxiway --version`` and ``taxiway task list`` need not pay
for what only the live view needs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, MutableMapping
from typing import Final, NoReturn

import click

from taxiway import __version__
from taxiway.cli.door import Door
from taxiway.cli.loading import command_of
from taxiway.cli.output import Unread, show_defect, show_error, silence_stdout
from taxiway.cli.verb import Noun
from taxiway.core.errors import Error

USAGE_STATUS: Final = 2
INTERRUPTED_STATUS: Final = 130
PIPE_CLOSED_STATUS: Final = 141  # what a shell reports of a program that died of SIGPIPE

#: Every command, and the module that holds it under its own name (with ``_`` for ``-``).
COMMANDS: Final = {
    "run": "taxiway.cli.run",
    "ask": "taxiway.cli.ask",
    "do": "taxiway.cli.do",
    "submit": "taxiway.cli.submit",
    "task": "taxiway.cli.task",
    "session": "taxiway.cli.session",
    "queue": "taxiway.cli.queue",
    "lane": "taxiway.cli.lane",
    "plan": "taxiway.cli.plan",
    "runner": "taxiway.cli.runner",
    "db": "taxiway.cli.db",
    "orphans": "taxiway.cli.orphans",
    "doctor": "taxiway.cli.doctor",
    "fake-agent": "taxiway.cli.fake_agent",
}


class LazyCommands(MutableMapping[str, click.Command]):
    """The table above as click wants it: a command is imported when it is looked up."""

    def __init__(self) -> None:
        self._added: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._added:
            found = command_of(COMMANDS[name], name.replace("-", "_"))
            assert isinstance(found, click.Command)
            self._added[name] = found
        return self._added[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._added[name] = command

    def __delitem__(self, name: str) -> None:
        del self._added[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


root = Noun(
    "taxiway",
    commands=LazyCommands(),
    help="A durable scheduler and control plane for AI agent runs.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)
root = click.version_option(__version__, prog_name="taxiway", message="%(prog)s %(version)s")(root)


def main() -> NoReturn:
    """Run the command line and leave with its exit status; nobody ever sees a stack trace for a mistake of his."""
    sys.excepthook = show_defect
    _prepare_streams()
    sys.exit(status_of(sys.argv[1:]))


def _prepare_streams() -> None:
    """A stream that was closed before we started (``>&-``) takes all; what an encoding lacks goes as a number."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        getattr(sys, name).reconfigure(errors="backslashreplace")


def status_of(arguments: list[str]) -> int:
    """Run one command line; its exit status."""
    door = Door()
    ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
    asked_for_json = "--json" in ours  # also when the mistake keeps click from reading that far
    try:
        status = root.main(arguments, prog_name="taxiway", standalone_mode=False, obj=door)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return USAGE_STATUS
    except click.ClickException as error:
        show_error(error, door.wants_json or asked_for_json)
        return USAGE_STATUS
    except Error as error:
        show_error(error, door.wants_json or asked_for_json)
        return error.exit_status
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED_STATUS
    except (Unread, BrokenPipeError):
        silence_stdout()
        return PIPE_CLOSED_STATUS
    except ExceptionGroup as group:
        if group.split(Unread)[1] is not None:
            raise
        return PIPE_CLOSED_STATUS
    return status if isinstance(status, int) else 0
