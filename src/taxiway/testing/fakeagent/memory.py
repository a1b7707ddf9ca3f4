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

    def __init__(self, folder: str | None) -> None:
        """Holds no conversation yet."""
        self._folder = folder
        self.thread = ""
        self.resumed = False
        self.turns = 0
        self.told: list[str] = []
        self.kept: dict[str, Any] = {}  #: what a protocol remembers of it

    def begin(self, thread: str, kept: bool = True) -> None:
        """A new conversation; ``kept``: at once, and not only when it is told something."""
        self._name(thread)
        self.resumed, self.turns, self.told, self.kept = False, 0, [], {}
        if kept:
            self.save()

    def go_on(self, thread: str) -> None:
        """Go on with a conversation. Without a folder any id is one that is not remembered. Raises ``NoSuchThread``."""
        self._name(thread)
        self.resumed = True
        if self._folder is not None:
            self._load()

    def fork(self, thread: str) -> None:
        """Go on as another conversation, which knows the same; it is kept when it is told something."""
        self._name(thread)

    def has(self, thread: str) -> bool:
        """Whether a conversation of this id is kept."""
        return self._folder is not None and os.path.exists(f"{self._folder}/{thread}.json")

    @property
    def path(self) -> str:
        """The file that keeps the conversation, where there is a folder."""
        return f"{self._folder or ''}/{self.thread}.json"

    def hear(self, text: str) -> None:
        """A turn has come."""
        self.turns += 1
        self.learn(text)

    def learn(self, text: str) -> None:
        """Something was said in the conversation."""
        self.told = [*self.told, text][-TOLD_MAX:]
        self.save()

    def rename(self, thread: str) -> None:
        """The conversation goes on under another id."""
        self.thread = thread
        self.save()

    def _name(self, thread: str) -> None:
        if not _THREAD.match(thread):
            raise NoSuchThread(f"'{thread}' is no id of a conversation")
        self.thread = thread

    def _load(self) -> None:
        try:
            with open(self.path, encoding="utf-8") as stream:
                found = json.load(stream)
        except FileNotFoundError:
            raise NoSuchThread(f"there is no conversation {self.thread}") from None
        self.turns, self.told, self.kept = found["turns"], found["told"], found["kept"]

    def save(self) -> None:
        """Whole or not at all, whenever the program is killed."""
        if self._folder is None:
            return
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        beside = f"{self.path}.{os.getpid()}"
        with open(beside, "w", encoding="utf-8", opener=_private) as stream:
            json.dump({"turns": self.turns, "told": self.told, "kept": self.kept}, stream)
        os.replace(beside, self.path)


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
