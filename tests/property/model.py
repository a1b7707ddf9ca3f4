"""The store as an oracle would keep it: a dictionary of tasks and the rules of the core, without any database."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from taxiway.core.dependency import verdict
from taxiway.core.queue import QueueState
from taxiway.core.retry import Next, Standing, settle
from taxiway.core.run import Outcome, StopCause
from taxiway.core.task import TASK_TERMINAL, Condition, Reason, TaskSpec, TaskState


@dataclass
class Thing:
    """A task as the model knows it. ``after`` holds (parent, condition) and forgets what has been settled."""

    id: str
    number: int
    spec: TaskSpec
    created: int
    after: list[tuple[str, Condition]]
    state: TaskState = TaskState.QUEUED
    reason: Reason | None = None
    due: int | None = None
    expires: int | None = None
    attempt: int = 0
    fence: int = 0
    crashes: int = 0
    stop: StopCause | None = None
    started: bool = False

    @property
    def rank(self) -> tuple[int, int, int]:
        """Priority descending, position ascending, submission."""
        return (-self.spec.priority, self.spec.position, self.number)

    @property
    def ended(self) -> bool:
        """Whether it is terminal."""
        return self.state in TASK_TERMINAL


@dataclass
class Model:
    """All tasks, queues and lanes; every method does at once what the store may do in pages."""

    things: dict[str, Thing] = field(default_factory=dict)
    queues: dict[str, QueueState] = field(default_factory=dict)
    slots: dict[str, int | None] = field(default_factory=dict)
    lanes: dict[str, int | None] = field(default_factory=dict)
    numbers: int = 0

    def submit(self, task: str, spec: TaskSpec, parents: list[tuple[str, Condition]], now: int) -> None:
        """Admit a task in the state that its parents and its delay give it."""
        self.numbers += 1
        thing = Thing(task, self.numbers, spec, now, [])
        thing.due = now + int(spec.delay_s * 1000) if spec.delay_s else None
        thing.expires = now + int(spec.expires_s * 1000) if spec.expires_s is not None else None
        self.things[task] = thing
        for parent, condition in parents:
            above = self.things[parent]
            if not above.ended:
                thing.after.append((parent, condition))
            elif (why := verdict(above.state, above.reason, condition)) is not None:
                thing.state, thing.reason = TaskState.CANCELLED, why
                return
        self._admit(thing, now)

    def _admit(self, thing: Thing, now: int) -> None:
        if thing.after:
            thing.state, thing.reason = TaskState.BLOCKED, Reason.DEPENDENCY
        elif thing.due is not None and thing.due > now:
            thing.state, thing.reason = TaskState.SCHEDULED, Reason.DELAY
        else:
            thing.state, thing.reason, thing.due = TaskState.QUEUED, None, None

    def claim(self, free: int, now: int) -> list[str]:
        """What a claim must take, in order."""
        taken: list[str] = []
        for thing in sorted(self.things.values(), key=lambda one: one.rank):
            if thing.state is not TaskState.QUEUED or len(taken) == free:
                continue
            if not self._has_room(thing):
                continue
            if thing.expires is not None and thing.expires <= now and not thing.started:
                self.end(thing.id, TaskState.CANCELLED, Reason.EXPIRED, now)
                continue
            thing.state, thing.reason, thing.started = TaskState.RUNNING, None, True
            thing.fence += 1
            taken.append(thing.id)
        return taken

    def _has_room(self, thing: Thing) -> bool:
        queue, lane = thing.spec.queue, thing.spec.lane
        live = [one for one in self.things.values() if one.state is TaskState.RUNNING]
        in_queue = sum(one.spec.queue == queue for one in live)
        in_lane = sum(one.spec.lane == lane for one in live)
        slots, size = self.slots[queue], self.lanes[lane]
        return (
            self.queues[queue] is QueueState.RUNNING
            and (slots is None or in_queue < slots)
            and (size is None or in_lane < size)
        )

    def finish(self, task: str, outcome: Outcome, chance: float, now: int) -> Next:
        """End a run as the core decides."""
        thing = self.things[task]
        after = settle(thing.spec, Standing(thing.attempt, thing.fence, thing.crashes, thing.stop), outcome, chance)
        thing.attempt, thing.crashes = after.attempt, after.crashes
        if after.state in TASK_TERMINAL:
            self.end(task, after.state, after.reason, now)
        else:
            thing.state, thing.reason = after.state, after.reason
            thing.due = None if after.delay_s is None else now + int(after.delay_s * 1000)
        return after

    def cancel(self, task: str, now: int) -> None:
        """End what waits, mark what runs."""
        thing = self.things[task]
        if thing.state is TaskState.RUNNING:
            thing.stop, thing.reason = StopCause.CANCEL, Reason.CANCELLING
        elif not thing.ended:
            self.end(task, TaskState.CANCELLED, Reason.REQUESTED, now)

    def end(self, task: str, state: TaskState, reason: Reason | None, now: int) -> None:
        """A task ends, and its end reaches everybody behind it."""
        thing = self.things[task]
        thing.state, thing.reason, thing.due = state, reason, None
        self.release(task, state, reason, now)

    def release(self, task: str, state: TaskState, reason: Reason | None, now: int) -> None:
        """Settle those that waited for a task, then those that waited for the fallen: nearest first, like the store."""
        ended: deque[tuple[str, TaskState, Reason | None]] = deque([(task, state, reason)])
        while ended:
            parent, parent_state, parent_reason = ended.popleft()
            for child, condition in list(self._children(parent)):
                why = verdict(parent_state, parent_reason, condition)
                if why is None:
                    child.after = [edge for edge in child.after if edge[0] != parent]
                    self._admit(child, now)
                else:
                    child.state, child.reason, child.due = TaskState.CANCELLED, why, None
                    ended.append((child.id, child.state, why))

    def _children(self, task: str) -> Iterator[tuple[Thing, Condition]]:
        for thing in list(self.things.values()):
            for parent, condition in list(thing.after):
                if parent == task and thing.state is TaskState.BLOCKED:
                    yield thing, condition

    def remove(self, task: str, now: int) -> bool:
        """Forget a task that does not run."""
        thing = self.things[task]
        if thing.state is TaskState.RUNNING:
            return False
        if not thing.ended:
            self.release(task, TaskState.CANCELLED, Reason.REQUESTED, now)
        del self.things[task]
        return True

    def late(self, now: int) -> bool:
        """Whether something is too late to start and nobody has seen it yet."""
        return any(
            thing.expires is not None and thing.expires <= now and not thing.started and not thing.ended
            for thing in self.things.values()
        )

    def wake(self, now: int) -> None:
        """Cancel what is too late, queue what is due."""
        for thing in list(self.things.values()):
            late = thing.expires is not None and thing.expires <= now and not thing.started
            if late and not thing.ended:
                self.end(thing.id, TaskState.CANCELLED, Reason.EXPIRED, now)
        for thing in self.things.values():
            if thing.state is TaskState.SCHEDULED and thing.due is not None and thing.due <= now:
                thing.state, thing.reason, thing.due = TaskState.QUEUED, None, None
