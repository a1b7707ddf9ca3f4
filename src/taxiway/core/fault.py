"""A fault in an input: where it is, as steps from the top, before anybody knows the file's lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from taxiway.core.errors import Problem

Path = tuple[str | int, ...]

_PLAIN_STEP: Final = re.compile(r"[^\s.\"\[\]]+\Z")


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong: ``path`` leads to it (keys and list positions from the input's top); ``code`` where
    there is a closer one than ``invalid``."""

    path: Path
    message: str
    hint: str = ""
    code: str = ""

    def problem(self, file: str = "", line: int | None = None, column: int | None = None) -> Problem:
        """The fault as people see it; ``line`` and ``column`` count from 1."""
        return Problem(self.message, dotted(self.path), file, line, column, self.hint, self.code)


def dotted(path: Sequence[str | int]) -> str:
    """``tasks.lint.command[2]``; a name that itself holds a dot or a space stands in quotes."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
            continue
        name = step if _PLAIN_STEP.match(step) else '"' + step.replace('"', '\\"') + '"'
        text += f".{name}" if text else name
    return text
