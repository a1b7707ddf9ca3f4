"""Sessions whose senders and runner are killed with -9 at any moment: what was accepted is always accounted for."""

import os
import random
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import msgspec

import taxiway
from taxiway.core.agent import AgentKind
from taxiway.testing.fakeagent.command import fake_agent_command
from tests.faults.killed_plan import broken, end, eventually_none, founded, left, read

HERE = Path(__file__).parent
#: How a message may end, whoever was killed: by its turn, by another's turn that carried it, or by a rule or a verb.
ENDS = {
    ("completed", None),
    ("failed", "poisoned"),  # three runs of it were killed
    ("cancelled", "requested"),
    ("cancelled", "dropped"),
    ("cancelled", "interrupted"),
    ("cancelled", "reset"),
    ("cancelled", "carried"),
}


class Counts(msgspec.Struct):
    """What a number of kills showed."""

    kills: int = 0
    accepted: int = 0
    refused: int = 0
    lost_runs: int = 0
    violations: int = 0


class KilledInbox:
    """One store, one runner and two senders, of which somebody is always being killed."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder = folder
        self.chance = chance
        self.store = folder / "store.db"
        self.mark = f"inbox-{folder.name}-{chance.getrandbits(32):x}"
        self.counts = Counts()
        self.accepted: set[str] = set()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.listeners: list[threading.Thread] = []

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """A process of ours, with our mark in all that it starts; what it says is listened to."""
        environment = {**os.environ, "LC_MARK": self.mark}
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command], cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=log
            )
        self.listeners.append(threading.Thread(target=self._listen, args=(process,)))
        self.listeners[-1].start()
        return process

    def runner(self) -> subprocess.Popen[bytes]:
        """The one that works."""
        return self.start(str(HERE / "working.py"), str(self.store), str(self.folder))

    def sender(self) -> subprocess.Popen[bytes]:
        """One of those that send."""
        return self.start(str(HERE / "sending.py"), str(self.store), str(self.chance.getrandbits(30)))

    def kill_so_often(self, kills: int) -> None:
        """Kill one of them after the other, whoever it is, each replaced at once; then the senders fall silent."""
        makers = [self.runner, self.sender, self.sender]
        self.processes = [make() for make in makers]
        try:
            self._until(lambda: len(self.accepted) > 20)
            for _ in range(kills):
                time.sleep(self.chance.uniform(0.1, 1.2))
                number = self.chance.choice((0, 0, 1, 2))
                end(self.processes[number])
                self.counts.kills += 1
                found = broken(self.store)
                self.counts.violations += len(found)
                assert found == [], found
                self.processes[number] = makers[number]()
            so_far = len(self.accepted)
            self._until(lambda: len(self.accepted) > so_far + 10)
        finally:
            for process in self.processes:
                end(process)
            for listener in self.listeners:
                listener.join()

    async def judge(self) -> None:
        """All that was accepted has one outcome that the rules know; order held, one at a time, and nothing is left."""
        command = fake_agent_command(self.folder / "script.yaml", memory=self.folder / "memory")
        agents = {"fake": AgentKind(command=command, start_s=60.0)}
        async with taxiway.open(self.store, slots=5, project="", agents=agents, ask_grace_s=1.0) as tw:
            stored = {
                row[0] for row in read(self.store, "SELECT id FROM task")
            }  # also what nobody was told of any more
            for task in sorted(self.accepted | stored):
                await tw.wait(task, 120)
        self.counts.accepted = len(self.accepted)
        assert broken(self.store) == []
        rows = {row[0]: row[1:] for row in read(self.store, "SELECT id, state, reason FROM task")}
        assert self.accepted <= rows.keys(), "accepted and not there"
        assert set(rows.values()) <= ENDS, set(rows.values()) - ENDS
        assert read(self.store, "SELECT name FROM session WHERE waiting + held + live + capped > 0") == []
        self._judge_order()
        assert eventually_none(self.mark), left(self.mark)
        self.counts.lost_runs = read(self.store, "SELECT count(*) FROM run WHERE outcome = 'lost'")[0][0]

    def _judge_order(self) -> None:
        """First starts follow submission, but for steers, which waited in the turn that did not take them; one run of a
        session begins when the one before it has ended."""
        firsts = read(
            self.store,
            "SELECT s.key, t.seq, min(r.id) FROM run r JOIN task t ON t.seq = r.task JOIN session s ON s.id = t.session"
            " WHERE s.key <> 'steer' GROUP BY t.seq ORDER BY s.key, t.seq",
        )
        for (key, seq, run), (other, later, after) in pairwise(firsts):
            assert key != other or run < after, f"in '{key}' task {later} started before {seq}"
        runs = read(self.store, "SELECT session, id, claimed_at, ended_at FROM run ORDER BY session, id")
        for (session, run, _, ended_at), (other, after, claimed_at, _) in pairwise(runs):
            assert session != other or ended_at <= claimed_at, f"run {after} began before {run} had ended"

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as said:
            for line in said:
                if line.startswith(b"sent ") and line.endswith(b"\n"):  # else it was killed while it said so
                    self.accepted.add(line.split()[1].decode())
                elif line == b"full\n":
                    self.counts.refused += 1

    def _until(self, done: object) -> None:
        assert callable(done)
        until = time.monotonic() + 60
        while not (self.store.exists() and founded(self.store) and done()):
            assert time.monotonic() < until, (self.folder / "log").read_text()[-3000:]
            time.sleep(0.05)
