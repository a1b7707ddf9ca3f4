"""What becomes of an error on the command line: a sentence, and an exit status that programs can go by."""

from __future__ import annotations

from typing import Final

import click

from taxiway.cli.output import Unread, show_error, silence_stdout
from taxiway.core.errors import Error

USAGE_STATUS: Final = 2
PIPE_CLOSED_STATUS: Final = 141  # what a shell reports of a program that died of SIGPIPE


def status_of_error(error: Exception, wants_json: bool) -> int | None:
    """Say what was wrong and give the exit status; ``None`` and no word for an error that nobody foresaw."""
    match error:
        case click.ClickException():
            show_error(error, wants_json)
            return USAGE_STATUS
        case Error():
            show_error(error, wants_json)
            return error.exit_status
        case Unread() | BrokenPipeError():
            silence_stdout()
            return PIPE_CLOSED_STATUS
        case ExceptionGroup() if error.split(Unread)[1] is None:
            return PIPE_CLOSED_STATUS
        case _:
            return None
