"""Where a program takes input: what stands on the screen then, and how it is told from what the program has to say."""

from __future__ import annotations

import re
from collections.abc import Iterable

from taxiway.agents.terminal.screen import Screen


def prompts_of(screen: Screen) -> tuple[str, str, str]:
    """What may be the prompt: the cursor's row up to the cursor, all of it, and the last row that is not empty."""
    rows = (screen.text_of(y).rstrip() for y in range(screen.rows - 1, -1, -1))
    return screen.before_cursor(), screen.text_of(screen.y).rstrip(), next(filter(None, rows), "")


def shows_prompt(screen: Screen, ready: re.Pattern[str]) -> bool:
    """Whether one of them matches."""
    return any(ready.search(row) for row in prompts_of(screen))


def without_prompt(lines: list[str], own: str, matched: Iterable[str]) -> list[str]:
    """What a program said, without the prompt that it shows after it: its ``own`` one, as it stood before the turn,
    where it ends the last line (there may be text before it), else rows that have ``matched``."""
    if own.strip() and lines and lines[-1].endswith(own.rstrip()):
        return [*lines[:-1], lines[-1].removesuffix(own.rstrip())]
    known = {row.strip() for row in matched} | {""}
    end = len(lines)
    while end and lines[end - 1].strip() in known:
        end -= 1
    return lines[:end]
