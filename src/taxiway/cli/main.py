"""The command line's root: which command stands in which module, and what becomes of an error.

Modules are imported when their command is wanted, so that ``taxiway --help`` need not pay for the engine, nor
``taxiway task list`` for what only the live view needs. What is said here of each command is what it says of itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, MutableMapping
from types import TracebackType
from typing import Final, NoReturn

import click

from taxiway import __version__
from taxiway.cli.flags import Flags
from taxiway.cli.loading import from_module
from taxiway.cli.verb import Noun

USAGE_STATUS: Final = 2
INTERRUPTED_STATUS: Final = 130

#: Every command: the module that holds it under its own name, and what it does.
COMMANDS: Final = {
    "up": ("taxiway.cli.up", "Answer over HTTP, and run what is in the store, until told to stop."),
    "run": ("taxiway.cli.run", "Run a plan to its end here; run again, it goes on where it stopped."),
    "ask": ("taxiway.cli.ask", "Ask an agent something here and now; exit status 1 when it failed."),
    "do": ("taxiway.cli.do", "Run one command here and now; exit status 1 when it failed."),
    "submit": (
        "taxiway.cli.submit",
        "Put a task (ARGV, --shell, --prompt or --job) or a plan in the store; print its id.",
    ),
    "task": ("taxiway.cli.task", "Tasks: pieces of work that somebody asked for."),
    "session": ("taxiway.cli.session", "Sessions: conversations with an agent, and their mailboxes."),
    "workspace": ("taxiway.cli.workspace", "Workspaces: worktrees and bundles that runs have worked in."),
    "approval": ("taxiway.cli.approval", "Approvals: what agents ask of a person; meanwhile their tasks wait."),
    "queue": ("taxiway.cli.queue", "Queues: ordered sets of tasks."),
    "agent": ("taxiway.cli.agent", "Agents: programs that hold conversations."),
    "lane": ("taxiway.cli.lane", "Lanes: how many runs go at once."),
    "account": ("taxiway.cli.account", "Accounts: what providers let through, and what waits for a reset."),
    "usage": (
        "taxiway.cli.usage",
        "What agents used, in tokens and dollars: reported by them, or computed from list prices (~).",
    ),
    "plan": ("taxiway.cli.plan", "Plan files: tasks with dependencies."),
    "runner": ("taxiway.cli.runner", "Runners: processes that execute runs."),
    "token": ("taxiway.cli.token", "Tokens: who may ask a server for what."),
    "db": ("taxiway.cli.db", "The store's file."),
    "orphans": (
        "taxiway.cli.orphans",
        "Processes that no run claims, and runs of dead runners that nobody has settled.",
    ),
    "doctor": (
        "taxiway.cli.doctor",
        "Say how things are here; exit status 1 when something is bad, 5 without a store.",
    ),
    "fake-agent": ("taxiway.cli.fake_agent", "A scripted agent as a real program, for tests and trials."),
}


class LazyCommands(MutableMapping[str, click.Command]):
    """The table above as click wants it: a command is imported when it is looked up."""

    def __init__(self) -> None:
        self._added: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._added:
            found = from_module(COMMANDS[name][0], name.replace("-", "_"))
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


class Root(Noun):
    """The whole command line; its help text is made from the table, without the commands themselves."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  (click's)
        """Every command with what it does."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


root = Root(
    "taxiway",
    commands=LazyCommands(),
    help="A durable scheduler and control plane for AI agent runs.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)
root = click.version_option(__version__, prog_name="taxiway", message="%(prog)s %(version)s")(root)


def main() -> NoReturn:
    """Run the command line and leave with its exit status; nobody ever sees a stack trace for a mistake of his."""
    sys.excepthook = _show_defect
    _prepare_streams()
    sys.exit(status_of(sys.argv[1:]))


def _show_defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    from_module("taxiway.cli.output", "show_defect")(kind, error, trace)


def _prepare_streams() -> None:
    """A stream that was closed before we started (``>&-``) takes all; what an encoding lacks goes as a number."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        getattr(sys, name).reconfigure(errors="backslashreplace")


def status_of(arguments: list[str]) -> int:
    """Run one command line; its exit status."""
    flags = Flags()
    ours = arguments[: arguments.index("--")] if "--" in arguments else arguments
    asked_for_json = "--json" in ours  # also when the mistake keeps click from reading that far
    try:
        status = root.main(arguments, prog_name="taxiway", standalone_mode=False, obj=flags)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return USAGE_STATUS
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED_STATUS
    except Exception as error:
        told: int | None = from_module("taxiway.cli.ending", "status_of_error")(
            error, flags.wants_json or asked_for_json
        )
        if told is not None:
            return told
        raise
    return status if isinstance(status, int) else 0
