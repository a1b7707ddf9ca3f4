"""What ``taxiway orphans`` and ``taxiway runner list`` say: what is so, and how certain it is; no contradictions."""

import socket
from pathlib import Path

import msgspec
import pytest

from taxiway.agents.protocol import Certainty, CertaintyLevel, Orphan
from taxiway.cli.orphans import told
from taxiway.diagnosis import SILENT_MS_MIN, Condition, LeftRun, Remains, condition
from taxiway.store.protocol import LiveRun, Runner
from taxiway.store.sqlite.locks import RunnerLock
from taxiway.store.sqlite.opening import folder_beside

HOST = socket.gethostname()
SURE = Certainty(CertaintyLevel.GUARDIAN, "a guardian adopts")


def test_a_run_of_a_dead_runner_is_told_with_its_living_processes_and_no_claim_that_all_is_well() -> None:
    """I7: what is not settled is named; nobody says that everything belongs to a live run."""
    left = LeftRun(LiveRun("run_1", "task_1", "runner_1", 1, None), (4711, 4712))
    text = "\n".join(told(Remains([], [left], SURE)))
    assert "no orphans: no process that carries this store's tag is without a run" in text
    assert "runs whose runner is dead" in text
    assert "4711 4712" in text
    assert "belongs to a live run" not in text


def test_how_certain_a_look_is_stands_below_it() -> None:
    """Also where nothing was found: a look by tags misses what has cleared its environment."""
    assert "missed only if that guardian and the fork server" in told(Remains([], [], SURE))[-1]
    unsure = Certainty(CertaintyLevel.NONE, "/proc is not mounted")
    assert told(Remains([], [], unsure))[-1] == "Nothing is certain on this machine: /proc is not mounted."
    orphan = Orphan(pid=7, start=1, tag="t", command="sleep 1")
    assert "that no run claims" in told(Remains([orphan], [], SURE))[0]


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """A runner of this host whose lock nobody holds yet."""
    monkeypatch.setattr("taxiway.diagnosis.boot_id", lambda: "this boot")
    folder_beside(tmp_path / "store.db").mkdir(parents=True)
    return Runner(id="runner_1", host=HOST, boot_id="this boot", pid=1, slots=1, seen_at=100_000)


def test_a_free_lock_makes_a_runner_dead_whatever_the_store_says(tmp_path: Path, runner: Runner) -> None:
    """I7: kill -9 leaves the row as it was; the lock is what tells."""
    path = tmp_path / "store.db"
    assert condition(runner, path, HOST, 100_000) is Condition.DEAD
    lock = RunnerLock(folder_beside(path), runner.id)
    try:
        assert condition(runner, path, HOST, 100_000) is Condition.LIVE
        assert condition(msgspec.structs.replace(runner, state="draining"), path, HOST, 100_001) is Condition.DRAINING
        assert condition(msgspec.structs.replace(runner, boot_id="before"), path, HOST, 100_000) is Condition.DEAD
    finally:
        lock.release()


def test_a_late_heartbeat_is_told_as_silence(tmp_path: Path, runner: Runner) -> None:
    """A frozen runner holds its lock, and of another host only the heartbeat is known."""
    path = tmp_path / "store.db"
    elsewhere = msgspec.structs.replace(runner, host="elsewhere")
    assert condition(elsewhere, path, HOST, 100_000 + SILENT_MS_MIN) is Condition.SILENT
    assert condition(elsewhere, path, HOST, 100_000 + SILENT_MS_MIN - 1) is Condition.LIVE
    lock = RunnerLock(folder_beside(path), runner.id)
    try:
        assert condition(runner, path, HOST, 100_000 + SILENT_MS_MIN) is Condition.SILENT
    finally:
        lock.release()
