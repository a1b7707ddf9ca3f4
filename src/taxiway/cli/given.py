"""What a task is given by who types it: its standard input and its folder."""

from __future__ import annotations

import sys
from pathlib import Path

from taxiway.core.errors import Invalid, Problem, TooLarge
from taxiway.core.limits import SPEC_BYTES_MAX
from taxiway.planfile.project import working_folder

INSTEAD = "keep it in a file and let the command read that, as in: sh -c 'wc -c < FILE'"


def standard_input(text: str | None) -> str | None:
    """The text for a task's standard input; ``-`` is what stands on ours.

    A task is stored as text, so its input is UTF-8; raises ``Invalid`` for anything else, with the place.
    """
    if text is None:
        return None
    given = _ours() if text == "-" else text.encode("utf-8", "surrogateescape")
    if len(given) > SPEC_BYTES_MAX:
        raise TooLarge(f"--stdin: is longer than the {SPEC_BYTES_MAX} bytes that a task may have; {INSTEAD}")
    try:
        return given.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused(f"is no UTF-8 text (byte {error.start + 1} is {given[error.start]:#04x}); {INSTEAD}") from None


def folder_of(cwd: str | None) -> str:
    """Where it shall run, wherever the runner was started."""
    real, problem = working_folder(cwd, Path.cwd())
    if problem:
        raise Invalid(f"--cwd: {problem}", [Problem(problem, "cwd")])
    return real


def _ours() -> bytes:
    """What stands on our standard input, and not endlessly much of it."""
    if sys.stdin is None:
        raise _refused("- reads standard input, and that is closed here")
    try:
        return sys.stdin.buffer.read(SPEC_BYTES_MAX + 1)
    except OSError as error:
        raise _refused(f"standard input cannot be read: {error.strerror}") from None


def _refused(message: str) -> Invalid:
    return Invalid(f"--stdin: {message}", [Problem(message, "stdin")])
