"""Whether a conversation of Codex is open in another process, by the lock that its writer holds."""

import fcntl
import os
from pathlib import Path

import pytest

from taxiway.agents.codex_owner import owner_of

THREAD = "01a202f8-4c7c-74a2-88ad-3d0e3a476991"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """The file that a writer of the conversation locks, in a home of Codex."""
    path = tmp_path / ".codex" / "thread-writer-locks" / f"{THREAD}.lock"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def test_who_holds_the_lock_of_a_conversation_owns_it(lock: Path, tmp_path: Path) -> None:
    """One live owner: from the lock to its release, and of this conversation alone."""
    envs = {"HOME": str(tmp_path)}, {"CODEX_HOME": str(tmp_path / ".codex"), "HOME": "/nonexistent"}
    assert owner_of(THREAD, envs[0]) is None
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert [owner_of(THREAD, env) for env in envs] == [os.getpid()] * 2
        assert owner_of(THREAD.replace("0", "1"), envs[0]) is None
        fcntl.flock(file, fcntl.LOCK_UN)
        assert owner_of(THREAD, envs[0]) is None


@pytest.mark.parametrize("thread", ["", "../../etc/passwd", "a/b", "x\0y", "a b", "x" * 101])
def test_what_is_no_id_of_a_conversation_is_never_looked_up(thread: str, tmp_path: Path) -> None:
    """I11: the agent named it, and it becomes a part of a path."""
    assert owner_of(thread, {"HOME": str(tmp_path)}) is None


def test_without_a_home_nobody_is_accused() -> None:
    """What cannot be read is no evidence."""
    assert owner_of(THREAD, {}) is None
