"""What the change log tells, judged against a model of its own: every commit, in commit order.

The model knows the move tables, the graph, the limits and the doors' acknowledgements; it keeps its own counts.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeVar

from taxiway.core.change import Change, ChangeKind
from taxiway.core.ids import is_full_id
from taxiway.core.limits import CRASHES_MAX
from taxiway.core.queue import QUEUE_ENDED, QUEUE_MOVES, QueueState
from taxiway.core.task import TASK_MOVES, TASK_TERMINAL, Condition, Reason, Task, TaskState
from taxiway.store.protocol import Store

if TYPE_CHECKING:
    from taxiway.testing.simulator.world import World

T = TypeVar("T")
PAGE: Final = 1_000
CANCEL_S: Final = 16.0  #: the longest grace, the slowest death and the slowest store


def now(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that does not wait."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    raise AssertionError("a reading verb without seams waited")


class Known:
    """What the model keeps of a task."""

    __slots__ = (
        "by_retry",
        "cancel_s",
        "claims",
        "failed",
        "lost",
        "parents",
        "parked",
        "reason",
        "since_s",
        "state",
        "task",
    )

    def __init__(self, task: Task, state: TaskState, parents: list[tuple[str, Condition]]) -> None:
        self.task = task
        self.state = state
        self.reason: str | None = None
        self.parents = parents
        self.by_retry = False  # a retry of it took its place
        self.cancel_s: float | None = None  # when its cancel was committed while it ran
        self.parked = False  # its run has given its slots back
        self.claims = 0
        self.failed = 0
        self.lost = 0
        self.since_s = 0.0


class History:
    """The model. ``store`` reads without seams."""

    def __init__(self, world: World, store: Store) -> None:
        self._world = world
        self._store = store
        self.version = 0
        self.tasks: dict[str, Known] = {}
        self.queues: dict[str, QueueState] = {}
        self._named: dict[tuple[str, str], str] = {}
        self._replaced: dict[str, str] = {}
        self._keys: dict[str, str] = {}

    def read(self) -> None:
        """Take in everything committed since the last time."""
        claimed: list[Known] = []
        while changes := now(self._store.changes(self.version, PAGE)):
            for change in changes:
                if change.version != self.version + 1:
                    self._world.violate("I21", f"change {change.version} came after {self.version}")
                self.version = change.version
                if self._take(change):
                    claimed.append(self.tasks[change.id])
        if claimed:
            self._limits(claimed)

    def open_tasks(self) -> Iterator[Known]:
        """Tasks that have not ended."""
        gone = self._world.ledger.removed
        return (known for task, known in self.tasks.items() if known.state not in TASK_TERMINAL and task not in gone)

    def running(self) -> list[str]:
        """Tasks that run."""
        return [task for task, known in self.tasks.items() if known.state is TaskState.RUNNING]

    def executed(self, run: str, tag: str) -> None:
        """A program starts at this moment: its process must stand in its run's row, else nobody could find it (I7)."""
        found = now(self._store.run(run))
        if found.process is None or found.process.tag != tag:
            self._world.violate("I7", f"a program of {run} started before its process was recorded")

    def _take(self, change: Change) -> bool:
        reason = f"/{change.reason}" if change.reason else ""
        self._world.note("store", f"{change.id} {change.state}{reason}: {change.cause} by {change.actor}")
        if change.kind is ChangeKind.QUEUE:
            self._queue(change)
        elif change.kind is ChangeKind.RUNNER:
            if change.state == "lost":
                self._world.lost(change.id)
        elif change.kind is ChangeKind.SESSION:
            self._world.mailboxes.made(change.id)
        elif change.kind is ChangeKind.TASK:
            if change.state == "removed":
                self._world.ledger.removed.add(change.id)
                return False
            if change.state == "superseded":
                known = self.tasks[change.id]
                known.by_retry = change.cause == "retry"
                self._named.pop((known.task.spec.queue, known.task.spec.name or ""), None)
                return False
            return self._move(change)
        return False

    def _queue(self, change: Change) -> None:
        old, new = self.queues.get(change.id), QueueState(change.state)
        if old is not None and old is not new and new not in QUEUE_MOVES[old]:
            self._world.violate("I12", f"queue {change.id} went from {old} to {new} ({change.cause})")
        self.queues[change.id] = new
        mine = [known for known in self.open_tasks() if known.task.spec.queue == change.id]
        if new in QUEUE_ENDED and mine:
            self._world.violate("I14", f"queue {change.id} is {new} although {mine[0].task.id} is {mine[0].state}")
        if change.cause.startswith("plan"):
            for known in mine:
                known.lost = 0  # a person runs it again: crashes count anew

    def _move(self, change: Change) -> bool:
        known = self.tasks.get(change.id)
        state = TaskState(change.state)
        if known is None:
            self._born(change.id, state)
            return False
        old = known.state
        if old in TASK_TERMINAL or (state is not old and state not in TASK_MOVES[old]):
            self._world.violate("I12", f"{change.id} went from {old} to {state} ({change.cause})")
        known.state, known.reason, known.since_s = state, change.reason, self._world.loop.time()
        if state is not TaskState.RUNNING or change.cause == "answered":  # one that is stopped takes no slots again
            known.parked = state is TaskState.WAITING
        if change.reason == Reason.CANCELLING and known.cancel_s is None:
            known.cancel_s = known.since_s
        self._world.mailboxes.moved(known, old, state)
        known.failed += change.cause == "run failed"
        known.lost += change.cause == "run lost"
        if state in TASK_TERMINAL:
            self._ended(change.id, known)
        elif state is TaskState.RUNNING and old is TaskState.QUEUED:
            self._claimed(change.id, known)
            return True
        return False

    def _born(self, task: str, state: TaskState) -> None:
        found = now(self._store.task(task))
        spec = found.spec
        old = self.tasks.get(found.retry_of or "")
        if old is not None and old.by_retry:
            parents = self._tried_again(old.parents)
        else:
            parents = [(self._parent(spec.queue, edge.task), edge.on) for edge in spec.after]
        self.tasks[task] = Known(found, state, parents)
        self._world.mailboxes.born(found, state)
        if spec.name is not None:
            self._named[spec.queue, spec.name] = task
        if found.retry_of is not None:
            self._replaced[found.retry_of] = task
        elif spec.idempotency_key is not None:
            first = self._keys.setdefault(spec.idempotency_key, task)
            if first != task and first not in self._world.ledger.removed:
                self._world.violate("I9", f"{first} and {task} were both made for key {spec.idempotency_key}")

    def _parent(self, queue: str, ref: str) -> str:
        return ref if is_full_id(ref, "task") else self._named.get((queue, ref), ref)

    def _tried_again(self, parents: list[tuple[str, Condition]]) -> list[tuple[str, Condition]]:
        """What a task that is tried again waits for: the newest try of each parent; of two that became one the older
        stays."""
        found: dict[str, Condition] = {}
        for parent, on in sorted(parents, key=lambda edge: self._seq(edge[0]), reverse=True):
            newest = self._newest(parent)
            found[parent if newest in found else newest] = on
        return list(found.items())

    def _newest(self, parent: str) -> str:
        removed = self._world.ledger.removed
        while parent not in removed and (new := self._replaced.get(parent)) is not None and new not in removed:
            parent = new
        return parent

    def _seq(self, task: str) -> int:
        known = self.tasks.get(task)
        return 0 if known is None else known.task.seq

    def _claimed(self, task: str, known: Known) -> None:
        world, spec = self._world, known.task.spec
        known.claims += 1
        if known.cancel_s is not None or task in world.ledger.cancel_acked:
            world.violate("I6", f"{task} was claimed although its cancel had been acknowledged")
        state = self.queues.get(spec.queue, QueueState.RUNNING)
        if state is not QueueState.RUNNING:
            world.violate("I15", f"{task} was claimed although its queue {spec.queue} is {state}")
        for parent, condition in known.parents:
            if not self._met(parent, condition):
                world.violate("I8", f"{task} was claimed although {parent} has not {condition}")

    def _met(self, parent: str, condition: Condition) -> bool:
        known = self.tasks.get(parent)
        if known is None or parent in self._world.ledger.removed:
            return True
        match condition:
            case Condition.COMPLETED:
                return known.state is TaskState.COMPLETED
            case Condition.FAILED:
                return known.state is TaskState.FAILED
            case Condition.FINISHED:
                return known.state in TASK_TERMINAL

    def _ended(self, task: str, known: Known) -> None:
        world, spec = self._world, known.task.spec
        for life in world.ledger.left_of(task):
            world.violate("I6", f"{task} is {known.state} ({known.reason}) although a process of {life.run} lives")
        last = world.ledger.last_of(task)
        if known.cancel_s is not None and last is not None and last.owner.stood_s < known.cancel_s:
            ran_on_s = (last.gone_s or 0.0) - known.cancel_s
            if ran_on_s > CANCEL_S:
                world.violate("I6", f"{last.run} ran on for {ran_on_s:.1f} s after its cancel, on a healthy runner")
        if known.failed > spec.retries + 1:
            world.violate("I13", f"{task} failed {known.failed} times; {spec.retries} retries were allowed")
        if known.lost > CRASHES_MAX:
            world.violate("I13", f"{task} was lost {known.lost} times; {CRASHES_MAX} are the most")

    def _limits(self, claimed: list[Known]) -> None:
        """Where a commit has started something, no limit may be exceeded after it (I3), by the change log's own count.

        A limit that was lowered below what runs is kept by starting nothing.
        """
        in_lane: dict[tuple[str | None, str], int] = {}
        in_queue: dict[str, int] = {}
        sizes = {(lane.queue, lane.name): lane.size for lane in now(self._store.lanes())}

        def lane_of(known: Known) -> tuple[str | None, str]:
            own = (known.task.spec.queue, known.task.spec.lane)
            return own if own in sizes else (None, known.task.spec.lane)

        for known in self.tasks.values():
            if known.state is TaskState.RUNNING and not known.parked:
                in_lane[lane_of(known)] = in_lane.get(lane_of(known), 0) + 1
                in_queue[known.task.spec.queue] = in_queue.get(known.task.spec.queue, 0) + 1
        for lane in {lane_of(known): None for known in claimed}:
            size = sizes[lane]
            if size is not None and in_lane.get(lane, 0) > size:
                self._world.violate("I3", f"{in_lane[lane]} runs in lane {lane[1]}, which has {size} slots")
        touched = {known.task.spec.queue for known in claimed}
        for found in now(self._store.queues()):
            live = in_queue.get(found.name, 0)
            if found.slots is not None and live > found.slots and found.name in touched:
                self._world.violate("I3", f"{live} runs in queue {found.name}, which has {found.slots} slots")
