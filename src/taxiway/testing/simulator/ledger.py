"""The ledger: what really happened, written down outside the store by those who did it.

It knows every acknowledgement that a door got and every process that lived, by virtual time. Invariants about the world
(I1, I2, I6, I7, I9, I15) are judged from it and never from the store's own word.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from taxiway.agents.protocol import Ended
from taxiway.testing.agent import Sight, Tree

if TYPE_CHECKING:
    from taxiway.testing.simulator.process import Process
    from taxiway.testing.simulator.world import World


class Life:
    """One process (or in-process job) of a run, from its start to the moment when nothing of it was left."""

    __slots__ = ("began_s", "exit_code", "finished", "gone_s", "host", "owner", "run", "said", "signal", "tag", "task")

    def __init__(self, run: str, task: str, tag: str | None, owner: Process, began_s: float) -> None:
        self.run = run
        self.task = task
        self.tag = tag
        self.owner = owner
        self.host = owner.host.name
        self.began_s = began_s
        self.gone_s: float | None = None
        self.exit_code: int | None = None
        self.signal: int | None = None
        self.finished = False  # its main process came to an end that was seen
        self.said: bytes | None = None  # what it wrote on stdout


class Ledger:
    """Everything that doors were told, and every life."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.lives: list[Life] = []
        self.living: dict[str, list[Life]] = {}  # by task
        self.acked: dict[str, str] = {}  # task -> what was asked
        self.by_key: dict[str, str] = {}  # idempotency key -> the task that was acknowledged for it
        self.removed: set[str] = set()
        self.cancel_acked: dict[str, str] = {}  # task -> the state that the reply told
        self.cancel_asked: set[str] = set()  # tasks, and queues as "queue:NAME", "*" for everything
        self.stop_asked: set[str] = set()  # queues
        self.fenced_off: set[str] = set()  # runs that another host declared lost, so nobody could confirm their end
        self._homes: dict[str, str] = {}  # run -> host
        self._lost: set[str] = set()  # runs that somebody declared lost

    # -- lives ------------------------------------------------------------------------------------------------------
    def began(self, run: str, task: str, tag: str | None, owner: Process) -> Life:
        """A process started to have effects: nothing of the same task may live, unless nobody could reach it (I2).

        Nor could anybody reach a runner that stood still between the claim of a job and its first line; the go of a
        program is asked for in the store.
        """
        life = Life(run, task, tag, owner, self._world.loop.time())
        late_job = tag is None and run in self._lost
        if late_job:
            self.fenced_off.add(run)
        for other in self.living.get(task, ()):
            if other.run not in self.fenced_off and not late_job:
                self._world.violate("I2", f"{run} of {task} started while {other.run} of the same task lives")
        self.lives.append(life)
        self.living.setdefault(task, []).append(life)
        self._homes[run] = owner.host.name
        return life

    def over(self, life: Life) -> None:
        """The last of it is gone."""
        if life.gone_s is None:
            life.gone_s = self._world.loop.time()
            self.living[life.task].remove(life)

    def owned_by(self, process: Process) -> Iterator[Life]:
        """What lives inside a process itself (jobs)."""
        for life in self.lives:
            if life.gone_s is None and life.tag is None and life.owner is process:
                yield life

    def home(self, run: str, host: str) -> None:
        """Which host took a run."""
        self._homes[run] = host

    def settled_from(self, host: str, run: str) -> None:
        """Somebody on ``host`` declares a run lost; from elsewhere nobody can see whether its processes are gone, and
        nobody can end a job in a process that stands still."""
        self._lost.add(run)
        if self._homes.get(run, host) != host or any(life.run == run and life.tag is None for life in self.lives):
            self.fenced_off.add(run)

    def last_of(self, task: str) -> Life | None:
        """The last life of a task."""
        return next((life for life in reversed(self.lives) if life.task == task), None)

    def left_of(self, task: str) -> list[Life]:
        """What lives of a task and should not when it has ended (I6)."""
        return [life for life in self.living.get(task, ()) if life.run not in self.fenced_off]


class TreeWatch:
    """Hears of the trees of one process and writes their lives into the ledger."""

    def __init__(self, world: World, process: Process) -> None:
        self._world = world
        self._process = process
        self._lives: dict[str, Life] = {}

    def __call__(self, tree: Tree, sight: Sight) -> None:
        """One sight of one tree."""
        run, task = tree.launch.env["TAXIWAY_RUN"], tree.launch.env["TAXIWAY_TASK"]
        world, tag = self._world, tree.launch.tag
        if sight is not Sight.OPENED:
            world.note(f"tree of {self._process.name}", f"{sight} {run}")
        if sight is Sight.EXECUTED:
            world.history.executed(run, tag)
            self._lives[tag] = world.ledger.began(run, task, tag, self._process)
        elif sight is Sight.ENDED and tag in self._lives:
            life, end = self._lives[tag], tree.ended
            assert end is not None
            life.exit_code, life.signal, life.finished = end.exit_code, end.signal, True
            self._judge_lease(life, end)
            life.said = b"".join(piece.data for piece in tree.said if piece.stream == "stdout")
        elif sight is Sight.GONE:
            world.ledger.over(self._lives[tag])

    def _judge_lease(self, life: Life, end: Ended) -> None:
        """A guardian ends what it keeps when nobody speaks to it; a runner that nothing harms speaks in time (I7)."""
        world, owner = self._world, self._process
        calm_s = world.loop.time() - max(world.healed_s, owner.stood_s, life.began_s)
        if end.lease_expired and not world.chaos and owner.alive and calm_s > world.rates.lease_s:
            world.violate("I7", f"the guardian of {life.run} heard nothing of {owner.name}, which nothing harms")
