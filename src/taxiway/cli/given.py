"""What a task is given by who types it: its standard input or its prompt, and its folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from taxiway.core.errors import Invalid, Problem, TooLarge
from taxiway.core.limits import SPEC_BYTES_MAX
from taxiway.planfile.project import working_folder

PROMPT: Final = "prompt"
STDIN: Final = "stdin"
INSTEAD: Final = {
    STDIN: "keep it in a file and let the command read that, as in: sh -c 'wc -c < FILE'",
    PROMPT: "keep it in a file, and tell the agent where that is",
}


def standard_input(text: str | None, field: str = STDIN) -> str | None:
    """The text for a task's standard input (or another ``field``); ``-`` is what stands on ours.

    A task is stored as text, so its input is UTF-8; raises ``Invalid`` for anything else, with the place.
    """
    if text is None:
        return None
    given = _ours(field) if text == "-" else text.encode("utf-8", "surrogateescape")
    if len(given) > SPEC_BYTES_MAX:
        message = f"is longer than the {SPEC_BYTES_MAX} bytes that a task may have; {INSTEAD[field]}"
        raise TooLarge(f"{_shown(field)}: {message}", [Problem(message, field)])
    try:
        return given.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"is no UTF-8 text (byte {error.start + 1} is {given[error.start]:#04x})"
        raise _refused(field, f"{what}; {INSTEAD[field]}") from None


def folder_of(cwd: str | None) -> str:
    """Where it shall run, wherever the runner was started."""
    real, problem = working_folder(cwd, Path.cwd())
    if problem:
        raise Invalid(f"--cwd: {problem}", [Problem(problem, "cwd")])
    return real


def _ours(field: str) -> bytes:
    """What stands on our standard input, and not endlessly much of it."""
    if sys.stdin is None:
        raise _refused(field, "- reads standard input, and that is closed here")
    try:
        return sys.stdin.buffer.read(SPEC_BYTES_MAX + 1)
    except OSError as error:
        raise _refused(field, f"standard input cannot be read: {error.strerror}") from None


def _refused(field: str, message: str) -> Invalid:
    return Invalid(f"{_shown(field)}: {message}", [Problem(message, field)])


def _shown(field: str) -> str:
    return "--stdin" if field == STDIN else field
