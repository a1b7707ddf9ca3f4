"""The world around the system under test: hosts, processes, the nemesis that harms them, and the notes of it all."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Final, Protocol

import msgspec

from taxiway.core.redact import Scrubber
from taxiway.observe.observer import Moment
from taxiway.store.protocol import Store, Topic
from taxiway.testing.agent import Tree
from taxiway.testing.simulator.dice import Dice
from taxiway.testing.simulator.door import DoorMain
from taxiway.testing.simulator.faults import Rates, swarm
from taxiway.testing.simulator.history import History, now
from taxiway.testing.simulator.ledger import Ledger
from taxiway.testing.simulator.loop import VirtualLoop
from taxiway.testing.simulator.mailboxes import Mailboxes
from taxiway.testing.simulator.process import Host, HostClock, Process
from taxiway.testing.simulator.runner import RunnerMain
from taxiway.testing.simulator.seamed import seamed
from taxiway.testing.simulator.wakes import VirtualWakes
from taxiway.testing.simulator.workload import Workload

NOTES_MAX: Final = 20_000


class StoreSeams(msgspec.Struct, frozen=True):
    """What a store handle of one process needs: time, chance, ids, and whom to tell after a commit."""

    now_ms: Callable[[], int]
    elapsed_s: Callable[[], float]
    random: Callable[[], float]
    new_id: Callable[[str], str]
    committed: Callable[[Topic], None]


class Database(Protocol):
    """A new, empty database; every process opens a store of its own on it. Its verbs never wait: seams lie around."""

    def open(self, seams: StoreSeams) -> Store:
        """A store for one process."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class Violation(msgspec.Struct, frozen=True):
    """An invariant that did not hold: which, what happened, when."""

    invariant: str
    text: str
    at_s: float


class Note(msgspec.Struct, frozen=True):
    """Something that happened, for the timeline."""

    at_s: float
    who: str
    what: str


class Sizes(msgspec.Struct, frozen=True):
    """How large a schedule is: processes, how many requests doors make, how many seconds chaos and drain may last."""

    runners: int = 3
    doors: int = 2
    requests: int = 30
    chaos_s: float = 30.0
    drain_s: float = 900.0


class World:
    """Everything of one schedule."""

    def __init__(self, seed: int, database: Database, rates: Rates | None, sizes: Sizes) -> None:
        self.dice = Dice(seed)
        self.loop = VirtualLoop(self.dice.fork())  # type: ignore[abstract]
        drawn = swarm(self.dice.fork())
        self.rates = drawn if rates is None else rates
        self.sizes = sizes
        self.chaos = True
        self.over = False
        self.healed_s = 0.0
        self.violations: list[Violation] = []
        self.notes: list[Note] = []
        self.counts: dict[str, int] = {}
        self.scrubber = Scrubber()
        self.waiting: dict[str, list[str]] = {}
        self.heard: set[str] = set()  # approvals whose answer an agent has heard
        self.repeats: list[list[dict[str, Any]]] = []
        self.processes: dict[str, Process] = {}
        self.ledger = Ledger(self)
        self.mailboxes = Mailboxes(self)
        self.workload = Workload(self, self.dice.fork())
        self._digest = hashlib.sha256()
        self._database = database
        self._homes = [Host(f"host-{number}") for number in range(self.rates.hosts)]
        for host in self._homes:
            host.wrong_s = self.dice.between(-self.rates.skew_s, self.rates.skew_s)
        self._locks: dict[str, Process] = {}
        self._mains: dict[str, RunnerMain] = {}
        self._requests = 0
        self._commits = 0
        self._names = 0
        self._check_every = self.dice.whole(1, 25)
        self._context = copy_context()
        self.store = database.open(self._seams_of_world(_unheard))
        self.admin = database.open(self._seams_of_world(self.committed))
        self.history = History(self, self.store)
        self.history.read()

    # -- processes --------------------------------------------------------------------------------------------------
    def start_runner(self) -> Process:
        """A new runner process."""
        process = self._new_process("runner")
        main = self._mains[process.name] = RunnerMain(self, process, process.store)
        process.start(main.run)
        return process

    def start_door(self) -> Process:
        """A new door process."""
        process = self._new_process("door")
        process.start(DoorMain(self, process, process.store).run)
        return process

    def _new_process(self, kind: str) -> Process:
        self._names += 1
        process = Process(self, f"{kind}-{self._names}", self.dice.pick(self._homes), self.dice.fork())
        process.wakes = VirtualWakes(process)
        process.store = seamed(self._database.open(self._seams_of(process)), process)
        self.processes[process.name] = process
        self.note(process.name, f"starts on {process.host.name}")
        return process

    def kill(self, process: Process, where: str) -> None:
        """SIGKILL: nothing of it runs any more; its lock is free; its guardians notice before long."""
        if process.alive:
            self.count("kills")
            self.note(process.name, f"killed ({where})")
            self._bury(process)

    def ended(self, process: Process) -> None:
        """Its main function is over."""
        if process.alive and not process.strand.cut:
            self.note(process.name, "ends")
            self._bury(process)

    def failed(self, process: Process, error: Exception) -> None:
        """A process ends with an error that nothing of ours explains."""
        if process.alive and not process.strand.cut:
            self.violate("I14", f"{process.name} ended with {error!r}")

    def _bury(self, process: Process) -> None:
        process.alive = False
        self.loop.cut(process.strand)
        self.waiting.pop(process.name, None)
        for life in list(self.ledger.owned_by(process)):
            self.ledger.over(life)
        main = self._mains.get(process.name)
        if main is not None:
            for tree in main.agent.trees.values():
                tree.changed = None
                self.later(self.dice.between(0, 0.4), tree.hang_up)

    def pause(self, process: Process, seconds: float, where: str) -> None:
        """SIGSTOP, and SIGCONT after a while."""
        if process.alive and not process.strand.held:
            self.count("pauses")
            self.note(process.name, f"stopped for {seconds:.2f} s ({where})")
            self.loop.hold(process.strand)
            process.stood_s = self.loop.time() + seconds
            self.later(seconds, lambda: self.wake(process))

    def wake(self, process: Process) -> None:
        """SIGCONT."""
        if process.strand.held:
            self.note(process.name, "goes on")
            self.loop.release(process.strand)

    def lock(self, runner: str, process: Process) -> None:
        """A runner takes its lock, which it holds for as long as its process lives."""
        self._locks[runner] = process
        process.beaten_s = self.loop.time()

    def is_dead(self, runner: str) -> bool:
        """Whether a runner's lock is free."""
        holder = self._locks.get(runner)
        return holder is None or not holder.alive

    def lost(self, runner: str) -> None:
        """Somebody took a runner's lease: one that lives was silent for that long, or has said that it goes (I20)."""
        process = self._locks.get(runner)
        if process is None or not process.alive or process.leaving:
            return
        silent_s = max(
            self.loop.time() - process.beaten_s, process.silent_s
        )  # a beat may have come while it was judged
        if silent_s <= self.rates.lease_s:
            self.violate("I20", f"{process.name} was declared dead after a silence of {silent_s:.3f} s")

    def tree(self, tag: str) -> Tree | None:
        """The tree that carries a tag."""
        for main in self._mains.values():
            if tag in main.agent.trees:
                return main.agent.trees[tag]
        return None

    def live_trees(self) -> list[Tree]:
        """Every tree of which something lives."""
        return [tree for main in self._mains.values() for tree in main.agent.trees.values() if tree.alive]

    def alive(self, kind: str) -> list[Process]:
        """Living processes of a kind."""
        return [process for process in self.processes.values() if process.alive and process.name.startswith(kind)]

    # -- time -------------------------------------------------------------------------------------------------------
    def later(self, delay: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        """Call back later, from outside every process."""
        return self.loop.call_later(delay, callback, context=self._context)

    call_later = later

    def jump(self, seconds: float) -> None:
        """A wall clock is stepped."""
        host = self.dice.pick(self._homes)
        host.wrong_s += seconds
        self.count("jumps")
        self.note(host.name, f"the wall clock jumps by {seconds:+.1f} s")

    def heal(self) -> None:
        """Nothing more goes wrong; what stood still goes on; clocks are right again."""
        self.chaos = False
        self.healed_s = self.loop.time()
        for host in self._homes:
            host.wrong_s = 0.0
        for process in self.processes.values():
            self.wake(process)
        self.note("world", "healed")

    # -- asking -----------------------------------------------------------------------------------------------------
    def may_ask(self) -> bool:
        """Whether doors may make another request."""
        self._requests += 1
        return self.chaos and self._requests <= self.sizes.requests

    def acknowledge(self, key: str | None, task: str) -> None:
        """A door was told that this task is accepted."""
        if key is not None:
            first = self.ledger.by_key.setdefault(key, task)
            if first != task and first not in self.ledger.removed:
                self.violate("I9", f"key {key} was answered with {first}, and later with {task}")
        self.ledger.acked.setdefault(task, "asked")

    def repeat_later(self, many: list[dict[str, Any]]) -> None:
        """Somebody repeats this call, with the same keys."""
        self.repeats.append(many)

    # -- notes ------------------------------------------------------------------------------------------------------
    def note(self, who: str, what: str) -> None:
        """Write into the timeline."""
        if self.over:
            return
        self.trace(f"{self.loop.time():.6f}", who, what)
        if len(self.notes) < NOTES_MAX:
            self.notes.append(Note(self.loop.time(), who, what))

    def trace(self, *facts: object) -> None:
        """Write into the digest that tells two schedules apart."""
        self._digest.update(repr(facts).encode())

    def digest(self) -> str:
        """The digest of everything that happened."""
        self.trace(self.loop.steps, self.loop.time(), self.dice.getrandbits(64))
        return self._digest.hexdigest()

    def count(self, what: str) -> None:
        """Count something for the report."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def violate(self, invariant: str, text: str) -> None:
        """An invariant does not hold: the schedule ends here."""
        if self.over:
            return
        if not self.violations:
            self.note("world", f"VIOLATED {invariant}: {text}")
            self.loop.halt()
        self.violations.append(Violation(invariant, text, self.loop.time()))

    def observed(self, process: Process, moment: Moment, facts: dict[str, Any]) -> None:
        """What the engine says of itself; a step that fails for no fault of ours is a bug (I14)."""
        told = " ".join(f"{key}={value}" for key, value in facts.items())
        self.note(process.name, f"{moment} {told}")
        if moment is Moment.SERVICE_FAILED and process.alive:
            self.violate("I14", f"{process.name}: {facts.get('service')} failed: {facts.get('error')}")

    # -- commits ----------------------------------------------------------------------------------------------------
    def committed(self, topics: Topic) -> None:
        """After each commit: judge it, then hint to everybody."""
        self._commits += 1
        self.count("commits")
        self.history.read()
        self.mailboxes.judge()
        if self._commits % self._check_every == 0:
            self.check()
        for process in list(self.processes.values()):
            if process.alive:
                process.wakes.hint(topics)

    def check(self) -> None:
        """The store's own invariant queries."""
        for finding in now(self.store.check()):
            self.violate(finding.invariant, f"{finding.check}: {finding.text}")

    def _seams_of(self, process: Process) -> StoreSeams:
        clock = process.clock
        return StoreSeams(
            clock.now_ms,
            clock.elapsed_s,
            process.dice.fork().random,
            process.ids.new,
            self.committed,
        )

    def _seams_of_world(self, committed: Callable[[Topic], None]) -> StoreSeams:
        clock = HostClock(self, Host("nowhere"))
        return StoreSeams(clock.now_ms, clock.elapsed_s, self.dice.fork().random, lambda prefix: prefix, committed)


def _unheard(topics: Topic) -> None:
    """The world's own reading needs no hints."""
