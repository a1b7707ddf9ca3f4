"""Ends what a turn left running under a program that lives on: everything but the program and its own helpers."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Final

from .tree import Process, descendants, look, runs, send, wait_for

CLEAN_LOOKS: Final = 2
LOOK_S: Final = 0.01


class Clearing:
    """A program's turns, as its guardian sees them: who was there before the first, and who has to go after each.

    ``number`` is that of the request that is being worked at, None between two of them.
    """

    def __init__(self, guardian: int, main: int) -> None:
        """``main`` is the program, a child of ``guardian``, who adopts every orphan of the tree."""
        self.guardian = guardian
        self.main = main
        self.helpers: frozenset[tuple[int, int]] | None = None
        self.ended: set[tuple[int, int]] = set()
        self.number: int | None = None
        self.until = 0.0
        self.clean = 0

    def mark(self) -> int:
        """Remember, the first time, who is there: these are the program's own helpers. How many they are."""
        if self.helpers is None:
            self.helpers = frozenset(_key(process) for process in self._others())
        return len(self.helpers)

    def begin(self, number: int, until: float) -> None:
        """Take on a request; ``until`` is when to give up."""
        self.number, self.until, self.clean = number, until, 0
        self.ended.clear()

    def look(self) -> bool:
        """Kill whom a look shows, and wait a moment for their end. True when this and the last look showed nobody.

        The guardian collects its dead before each look. One empty look is a picture, not a promise: what is forked
        while its parent ends may be missing in it. But then it has become the guardian's own child, and the look after
        it shows it, alive or not yet collected.
        """
        others = self._others()
        spared = [process for process in others if _key(process) in (self.helpers or ())]
        victims = [process for process in others if process not in spared and runs(process)]
        if victims:
            self._kill(victims, {process.group for process in spared})
            wait_for(victims, LOOK_S)
        dirty = victims or any(one.parent == self.guardian and not runs(one) for one in others)
        self.clean = 0 if dirty else self.clean + 1
        return self.clean >= CLEAN_LOOKS

    def _others(self) -> list[Process]:
        return [process for process in descendants(self.guardian) if process.pid != self.main]

    def _kill(self, victims: list[Process], spared: set[int]) -> None:
        """SIGKILL; whole groups in one stroke where only victims are in them, so that nobody forks past it."""
        main = look(self.main)
        spared |= {os.getpgrp(), main.group if main else self.main}
        for process in victims:
            self.ended.add(_key(process))
            # Only while a child of our own is not collected does the number of its group surely mean that group.
            if process.parent == self.guardian and process.group not in spared:
                with suppress(OSError):
                    os.killpg(process.group, signal.SIGKILL)
            send(process, signal.SIGKILL)


def _key(process: Process) -> tuple[int, int]:
    return process.pid, process.start
