"""What the command line writes: answers on standard output, everything else on standard error, all of it safe."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import click

from taxiway.cli.safe import cells, clipped, safe_json
from taxiway.config import wants_colour
from taxiway.core.errors import Error, Invalid
from taxiway.core.queue import QueueState
from taxiway.core.safe import safe
from taxiway.core.task import TaskState

COLUMN_CHARS_MAX: Final = 60
COLOURS: Final = {
    TaskState.RUNNING: "cyan",
    TaskState.WAITING: "magenta",
    TaskState.COMPLETED: "green",
    TaskState.FAILED: "red",
    TaskState.CANCELLED: "yellow",
    QueueState.PAUSED: "yellow",
    QueueState.STOPPING: "yellow",
}


class Unread(Exception):
    """Whoever read the answer has gone. Not a ``BrokenPipeError``, of which click would make exit status 1."""


def answer(text: str) -> None:
    """A line (or several) of the answer itself; ``text`` is safe already or made by us."""
    _write(text)


def note(text: str) -> None:
    """Something beside the answer."""
    _write(text, to_stderr=True)


def answer_json(document: Any) -> None:
    """The answer as one JSON document."""
    _write(safe_json(json.dumps(document, ensure_ascii=False, indent=2)))


def answer_json_line(document: Any) -> None:
    """One line of a stream of JSON documents."""
    _write(safe_json(json.dumps(document, ensure_ascii=False, separators=(",", ":"))))


def page_document(items: Iterable[Any], cursor: str | None = None) -> dict[str, Any]:
    """A list as JSON."""
    return {"items": list(items), "cursor": cursor}


def coloured(word: str, width: int = 0) -> str:
    """A state in its colour, filled up to ``width`` columns."""
    colour = COLOURS.get(word.split("/")[0])  # type: ignore[call-overload]
    return click.style(word.ljust(width), fg=colour) if colour else word.ljust(width)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], clip: bool = True) -> str:
    """Rows under headings, in columns; cells under STATE are coloured, and long ones cut off if ``clip``."""
    width_max = COLUMN_CHARS_MAX if clip else sys.maxsize
    clean = [[clipped(safe(cell).replace("\n", " ").replace("\t", " "), width_max) for cell in row] for row in rows]
    widths = [max(cells(row[place]) for row in [headings, *clean]) for place in range(len(headings))]
    lines = ["  ".join(heading.ljust(width) for heading, width in zip(headings, widths, strict=True)).rstrip()]
    for row in clean:
        shown = [
            coloured(cell, width) if heading == "STATE" else cell + " " * (width - cells(cell))
            for heading, cell, width in zip(headings, row, widths, strict=True)
        ]
        lines.append("  ".join(shown).rstrip())
    return "\n".join(lines)


def show_error(error: Exception, as_json: bool) -> None:
    """One clear sentence, and every problem on a line of its own; as JSON one object with ``code`` and ``message``."""
    if as_json:
        click.echo(safe_json(json.dumps({"error": _error_document(error)}, ensure_ascii=False, default=str)), err=True)
        return
    if isinstance(error, click.ClickException):
        text = error.format_message()
        context = getattr(error, "ctx", None)
        if context is not None:
            text += f"\nSee '{context.command_path} --help'."
    else:
        text = error.message if isinstance(error, Error) else str(error)
    note(click.style("error: ", fg="red", bold=True) + safe(text))
    if isinstance(error, Invalid):
        for problem in error.problems:
            if len(error.problems) > 1 or problem.message not in text:
                note("  " + safe(str(problem)))


def show_defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An error that nobody foresaw is ours: one sentence with the place that whoever mends it needs."""
    frames = traceback.extract_tb(trace)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno}, {frames[-1].name})" if frames else ""
    note(f"taxiway failed by its own mistake: {kind.__name__}: {safe(str(error))}{place}")


def unwritable(error: OSError) -> Exception:
    """What becomes of an answer that standard output does not take: a pipe that nobody reads is no error to tell of,
    anything else (a full disk) is."""
    silence_stdout()
    return Unread() if isinstance(error, BrokenPipeError) else Error(f"the answer cannot be written: {error.strerror}")


def silence_stdout() -> None:
    """Who read our answer has gone: nothing more is written, and nothing complains at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _error_document(error: Exception) -> dict[str, Any]:
    if isinstance(error, Error):
        return error.to_json()
    message = error.format_message() if isinstance(error, click.ClickException) else str(error)
    return {"code": "usage", "message": message}


def _write(text: str, to_stderr: bool = False) -> None:
    try:
        click.echo(text, err=to_stderr, color=_colour(sys.stderr if to_stderr else sys.stdout))
    except OSError as error:
        raise unwritable(error) from None


def _colour(stream: Any) -> bool:
    return wants_colour() and bool(stream.isatty())
