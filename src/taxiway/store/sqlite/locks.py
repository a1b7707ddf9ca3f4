"""Runners' lock files: a lock that is free proves that its runner is dead, whatever the clocks say (I2, I7)."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from pathlib import Path
from typing import ClassVar


class RunnerLock:
    """The lock that one runner of this process holds for as long as the process lives."""

    _held: ClassVar[set[RunnerLock]] = set()

    def __init__(self, folder: Path, runner: str) -> None:
        self._path = _path(folder, runner)
        self._fd = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._held.add(self)
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release(self) -> None:
        """The runner has gone in good order: nothing of it is left to settle. Does nothing in a forked child."""
        if self not in self._held:
            return
        self._held.discard(self)
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        os.close(self._fd)

    @classmethod
    def drop_all(cls) -> None:
        """A child that was forked and becomes no other program is not the runner: a lock that it held open as well
        would outlive the runner with it, and tell that the runner lives."""
        for lock in cls._held:
            os.close(lock._fd)
        cls._held.clear()


os.register_at_fork(after_in_child=RunnerLock.drop_all)


def is_dead(folder: Path, runner: str) -> bool:
    """Whether the runner's lock is free, or gone."""
    try:
        fd = os.open(_path(folder, runner), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def forget(folder: Path, runner: str) -> None:
    """A dead runner has been settled: its lock file goes, and what its runs found their tokens in."""
    shutil.rmtree(tokens_of(folder, runner), ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        _path(folder, runner).unlink()


def tokens_of(folder: Path, runner: str) -> Path:
    """The folder in which a runner's runs find their tokens."""
    return folder / f"{runner}.tokens"


def _path(folder: Path, runner: str) -> Path:
    return folder / f"{runner}.lock"
