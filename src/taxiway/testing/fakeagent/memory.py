"""What a fake agent keeps on disk: its conversations, so that one can be gone on with, and a journal of what came."""

from __future__ import annotations

import json
import os
import re
import time
from typing import Any, Final

TOLD_MAX: Final = 1_000  # what a conversation remembers; older texts are forgotten
_THREAD: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*\Z")


class NoSuchThread(Exception):
    """There is no conversation of this id in the memory."""


class Memory:
    """One conversation: its id, how many turns it had, and what it was told. Kept in ``folder`` where one is given."""

    def __init__(self, folder: str | None, thread: str | None) -> None:
        """Go on with ``thread``, else begin a new conversation. Raises ``NoSuchThread``."""
        self._folder = folder
        self.resumed = thread is not None
        self.thread = thread or f"fake-{os.urandom(6).hex()}"
        self.turns = 0
        self.told: list[str] = []
        if not _THREAD.match(self.thread):
            raise NoSuchThread(f"'{self.thread}' is no id of a conversation")
        if folder is not None and self.resumed:
            self._load()
        self._save()

    def hear(self, text: str) -> None:
        """A turn has come."""
        self.turns += 1
        self.learn(text)

    def learn(self, text: str) -> None:
        """Something was said in the conversation."""
        self.told = [*self.told, text][-TOLD_MAX:]
        self._save()

    def rename(self, thread: str) -> None:
        """The conversation goes on under another id."""
        self.thread = thread
        self._save()

    def _load(self) -> None:
        try:
            with open(self._path(), encoding="utf-8") as stream:
                kept = json.load(stream)
        except FileNotFoundError:
            raise NoSuchThread(f"there is no conversation {self.thread}") from None
        self.turns, self.told = kept["turns"], kept["told"]

    def _save(self) -> None:
        """Whole or not at all, whenever the program is killed."""
        if self._folder is None:
            return
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        beside = f"{self._path()}.{os.getpid()}"
        with open(beside, "w", encoding="utf-8", opener=_private) as stream:
            json.dump({"turns": self.turns, "told": self.told}, stream)
        os.replace(beside, self._path())

    def _path(self) -> str:
        return f"{self._folder}/{self.thread}.json"


class Journal:
    """A file to which one line of JSON is added for everything that reached the program."""

    def __init__(self, path: str | None) -> None:
        """Opens it, if there is one."""
        self._fd = None if path is None else os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def note(self, what: str, thread: str, **fields: Any) -> None:
        """Add a line: what came, when (seconds since 1970), to which process and conversation."""
        if self._fd is not None:
            line = {"what": what, "at": time.time(), "pid": os.getpid(), "thread": thread, **fields}
            os.write(self._fd, json.dumps(line).encode() + b"\n")  # one write: lines of several processes stay whole


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
