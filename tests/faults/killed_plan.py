"""A plan of real tasks that is killed with -9 as a whole, at any moment, and run again, until all is completed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import apsw
import msgspec

from taxiway.store.statements import load_checks

#: How long after a start the runs of a dead process may be left as they were: 2 s are promised, beside what a process
#: needs to start, and a machine on which everything else is tested at the same time gets twice that. The slowest one is
#: told as a figure.
SETTLED_MS_MAX = 4_000

#: Each task holds a lock for as long as anything of its tree lives, and says so when somebody else holds it.
TASK = """exec 9>>'{d}/{name}.lock'; flock -n 9 || echo {name} >> '{d}/twice'
echo $TAXIWAY_RUN >> '{d}/{name}.started'
{work}
echo $TAXIWAY_RUN >> '{d}/{name}.done'"""

WORK = {
    "quick": ("true", []),
    "slow": ("sleep 0.3", []),
    "deep": ("setsid sleep 300 & sleep 0.1", []),
    "stubborn": ("trap '' TERM; sleep 0.2", []),
    "chatty": ("seq 1 3000; sleep 0.05", []),
    "flaky": ("sleep 0.05; [ $(wc -l < '{d}/flaky.started') -ge 2 ] || exit 1", []),
    "middle": ("sleep 0.1", ["quick", "slow"]),
    "after-flaky": ("true", ["flaky"]),
    "late": ("sleep 0.05", ["deep", "stubborn", "chatty"]),
    "last": ("sleep 0.05", ["middle", "late", "after-flaky"]),
}


class Counts(msgspec.Struct):
    """What a number of kills showed."""

    kills: int = 0
    plans: int = 0
    starts: int = 0
    lost_runs: int = 0
    slowest_settling_ms: int = 0
    violations: int = 0


class KilledPlan:
    """One store, one plan, and what its programs leave behind in a folder."""

    def __init__(self, folder: Path, chance: random.Random, counts: Counts) -> None:
        self.folder = folder
        self.chance = chance
        self.counts = counts
        self.mark = f"killed-{folder.name}-{chance.getrandbits(32):x}"
        self.store = folder / "store.db"
        self.effects = folder / "effects"
        self.effects.mkdir(parents=True)
        self.started_ms: list[int] = []
        plan = {"queue": "killed", "slots": 4, "defaults": {"retries": 1}, "tasks": {}}
        for name, (work, after) in WORK.items():
            shell = TASK.format(d=self.effects, name=name, work=work.format(d=self.effects))
            plan["tasks"][name] = {"shell": shell, "after": after, "backoff": {"first": 0.05}}
        (folder / "taxiway.toml").write_text("")  # the project is here, whatever lies in the folders above
        (folder / "plan.json").write_bytes(msgspec.json.encode(plan))

    def start(self) -> subprocess.Popen[bytes]:
        """``taxiway run`` in a process of its own, with our mark in its environment and in all that it starts."""
        self.counts.starts += 1
        self.started_ms.append(time.time_ns() // 1_000_000)
        command = [sys.executable, "-m", "taxiway", "--store", str(self.store), "run", str(self.folder / "plan.json")]
        environment = {**os.environ, "LC_MARK": self.mark}
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)

    def run_to_the_end(self, kills: int) -> None:
        """Kill it that many times at the most, at random moments; then let it come to its end."""
        self.counts.plans += 1
        process = self.start()
        for _ in range(kills):
            if self.chance.random() < 0.8:
                self.wait_for_runner(process)  # the others are killed while they start
            if self.ends_within(process, self.chance.uniform(0.0, 0.9)):
                break
            process.kill()
            process.wait()
            self.counts.kills += 1
            self.check()
            process = self.start()
        for _ in range(3):  # what was lost three times is poisoned, and is made anew by running the plan again
            assert self.ends_within(process, 60), self.log()
            if process.returncode == 0:
                return
            process = self.start()
        raise AssertionError(f"the plan does not complete: {self.log()}")

    def wait_for_runner(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until the process has a runner in the store."""
        until = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < until:
            there = self.store.exists() and founded(self.store)
            if there and read(self.store, f"SELECT 1 FROM runner WHERE pid = {process.pid}"):
                return
            time.sleep(0.02)

    def ends_within(self, process: subprocess.Popen[bytes], seconds: float) -> bool:
        """Whether the process ends by itself in time."""
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def check(self) -> None:
        """The invariants of the store as the kill left it."""
        found = [] if not self.store.exists() else broken(self.store)
        self.counts.violations += len(found)
        assert found == [], found

    def judge(self) -> None:
        """All is completed exactly once in the record, really executed, never twice at a time, and nothing is left."""
        self.check()
        rows = read(
            self.store,
            "SELECT t.name, t.state, (SELECT count(*) FROM run r WHERE r.task = t.seq AND r.outcome = 'completed'),"
            " (SELECT count(*) FROM run r WHERE r.task = t.seq AND r.live = 1) FROM task t WHERE t.superseded = 0",
        )
        assert sorted(rows) == sorted((name, "completed", 1, 0) for name in WORK), rows
        completed = read(
            self.store, "SELECT t.name, r.name FROM run r JOIN task t ON t.seq = r.task WHERE r.outcome = 'completed'"
        )
        again = Counter(name for name, _ in completed)
        assert set(again.values()) == {1}, f"completed more than once: {again}"
        for name, run in completed:
            assert run in (self.effects / f"{name}.done").read_text().split(), name
        assert not (self.effects / "twice").exists(), (self.effects / "twice").read_text()
        assert eventually_none(self.mark), left(self.mark)
        self.judge_settling()

    def judge_settling(self) -> None:
        """Every lost run was settled soon after the start of the process that found it, whose own start counts (I7)."""
        for (at,) in read(self.store, "SELECT at FROM change WHERE kind = 'task' AND cause = 'run lost'"):
            took_ms = at - max(moment for moment in self.started_ms if moment <= at)
            self.counts.lost_runs += 1
            self.counts.slowest_settling_ms = max(self.counts.slowest_settling_ms, took_ms)
        assert self.counts.slowest_settling_ms <= SETTLED_MS_MAX

    def log(self) -> str:
        """The end of what all starts said."""
        return (self.folder / "log").read_text("utf-8", "replace")[-4000:]


def read(store: Path, statement: str) -> list[tuple]:
    """Rows of a store that nobody needs to have opened."""
    connection = apsw.Connection(str(store), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(10_000)
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def broken(store: Path) -> list[str]:
    """The invariant queries that return rows, and what the file's own check says."""
    if not founded(store):
        return []
    found = [str(row) for row in read(store, "PRAGMA quick_check") if row != ("ok",)]
    for invariant, name, _, statement in load_checks():
        found += [f"{invariant} {name} {row}" for row in read(store, statement)]
    return found


def founded(store: Path) -> bool:
    """Whether there is a schema: a kill may come before it is made."""
    return bool(read(store, "SELECT 1 FROM sqlite_schema WHERE name = 'task'"))


def left(mark: str) -> list[str]:
    """Living processes that carry our mark in their environment."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            environment = Path("/proc", entry, "environ").read_bytes()
            state = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if mark.encode() in environment and state != "Z":
            found.append(f"{entry} {Path('/proc', entry, 'cmdline').read_bytes()[:80]!r}")
    return found


def eventually_none(mark: str, within: float = 5.0) -> bool:
    """Whether nothing with our mark lives, soon."""
    until = time.monotonic() + within
    while left(mark):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def end(process: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
    """End one of our own processes."""
    if process.poll() is None:
        process.send_signal(number)
        process.wait()
