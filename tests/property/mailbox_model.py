"""Sessions as an oracle would keep them: messages in a list, and the rules, without any database.

What the store may do in pages and in steps of its caretakers happens here at once. Each method stands for one verb.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from taxiway.core.dependency import verdict
from taxiway.core.mailbox import changed, longest_wait_ms, one_line
from taxiway.core.policy import Box, Drop, MailboxChange, MailboxPolicy, Mode
from taxiway.core.retry import Next, Standing, settle
from taxiway.core.run import Outcome, StopCause
from taxiway.core.session import Stopped
from taxiway.core.task import TASK_TERMINAL, Condition, Reason, TaskSpec, TaskState

WAITS = (Box.WAITING, Box.MERGED)
FULL = 0.6  #: of a window; from here on one at a time


class Refused(Exception):
    """The mailbox is full, and its policy is to refuse."""


@dataclass(eq=False, repr=False)
class Message:
    """A message. ``number`` is its place in the order; ``carrier`` the one whose turn it is a part of; ``run`` the
    number of its start among all starts, ``generation`` that of its session then; ``told`` what was asked of it."""

    id: str
    number: int
    box_of: "Mailbox"
    spec: TaskSpec
    state: TaskState = TaskState.QUEUED
    reason: Reason | None = None
    box: Box = Box.OUT
    carrier: "Message | None" = None
    mergeable: bool = False
    counted: bool = False
    joined: int = 0
    due: int | None = None
    expires: int | None = None
    after: list[tuple["Message", Condition]] = field(default_factory=list)
    attempt: int = 0
    fence: int = 0
    crashes: int = 0
    told: StopCause | None = None
    run: int = 0
    generation: int = 0
    steerable: bool = False
    lines: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<{self.number} {self.box.name} {self.state}>"

    @property
    def ended(self) -> bool:
        """Whether it is terminal."""
        return self.state in TASK_TERMINAL

    @property
    def runs(self) -> bool:
        """Whether a run of it is live."""
        return self.state is TaskState.RUNNING

    @property
    def kin(self) -> tuple[object, ...] | None:
        """What two prompts must have in common to become one turn (OC-03)."""
        spec = self.spec
        if spec.prompt is None:
            return None
        return (spec.queue, spec.priority, spec.retries, spec.expires_s, spec.delay_s, tuple(spec.labels.items()))


@dataclass
class Mailbox:
    """One session."""

    key: str
    policy: MailboxPolicy
    agent: str | None = None
    generation: int = 0
    quiet: int | None = None
    cutoff: int = 0
    thread: str | None = None
    tokens: int | None = None
    window: int | None = None
    lines: list[tuple[int, str]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def having(self, *boxes: Box) -> list[Message]:
        """Messages in these places, in order."""
        return sorted((one for one in self.messages if one.box in boxes), key=lambda one: one.number)

    @property
    def head(self) -> Message | None:
        """The first that waits."""
        return next(iter(self.having(Box.WAITING)), None)

    @property
    def tail(self) -> Message | None:
        """The last that waits for a turn of its own."""
        return next(reversed(self.having(Box.WAITING)), None)

    @property
    def live(self) -> list[Message]:
        """Those that run, in the order of their starts."""
        return sorted((one for one in self.messages if one.runs), key=lambda one: one.run)

    @property
    def capacity(self) -> int:
        """How many may go at once (SQ-07, SQ-70)."""
        if self.agent is not None:
            return 1
        if self.tokens is not None and self.window and self.tokens / self.window >= FULL:
            return 1
        return self.policy.max_concurrent

    @property
    def room(self) -> bool:
        """A slot is free, and nobody admitted is still to start (SQ-91)."""
        held = self.having(Box.ADMITTED)
        return len(held) < self.capacity and all(one.runs for one in held)

    @property
    def counted(self) -> int:
        """What the cap counts (SQ-06)."""
        return sum(one.counted for one in self.having(*WAITS))

    def carried_by(self, carrier: Message, box: Box) -> list[Message]:
        """What waits, or rides, as a part of a turn."""
        return [one for one in self.having(box) if one.carrier is carrier]


@dataclass
class Sessions:
    """All sessions; queues that are paused admit messages and start none."""

    boxes: dict[str, Mailbox] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    now: int = 0
    numbers: int = 0
    starts: int = 0

    # -- asking ---------------------------------------------------------------------------------------------------
    def send(self, id: str, spec: TaskSpec, parents: Iterable[tuple[str, Condition]]) -> None:
        """Accept a message, or raise ``Refused``."""
        box = self.boxes[spec.session or ""]
        self.numbers += 1
        message = Message(id, self.numbers, box, spec)
        message.due = self.now + int(spec.delay_s * 1000) if spec.delay_s else None
        message.expires = self.now + int(spec.expires_s * 1000) if spec.expires_s is not None else None
        for parent, condition in parents:
            above = self.messages[parent]
            if not above.ended:
                message.after.append((above, condition))
            elif (why := verdict(above.state, above.reason, condition)) is not None:
                message.state, message.reason = TaskState.CANCELLED, why
                break
        self._address(box, spec)
        self.messages[id] = message
        box.messages.append(message)
        if message.ended:
            pass
        elif message.after:
            message.state, message.reason = TaskState.BLOCKED, Reason.DEPENDENCY
        elif message.due is not None:
            message.state, message.reason = TaskState.SCHEDULED, Reason.DELAY
        else:
            self._arrive(message)

    def _address(self, box: Mailbox, spec: TaskSpec) -> None:
        """What a message changes of its session from now on (SQ-14)."""
        if spec.agent is not None and box.agent is None:
            box.agent = spec.agent
            self._fit(box)
        if spec.mailbox is not None and spec.mailbox.max_concurrent is not None:
            self.set_policy(box, MailboxChange(max_concurrent=spec.mailbox.max_concurrent))

    def _arrive(self, message: Message) -> None:
        box = message.box_of
        policy = changed(box.policy, message.spec.mailbox)
        message.joined, message.due = self.now, None
        message.state, message.reason = TaskState.QUEUED, None
        if policy.mode is Mode.INTERRUPT:
            self._sweep(box, Reason.INTERRUPTED, StopCause.INTERRUPT)
        elif policy.mode is Mode.STEER and message.spec.prompt is not None and (turn := self._steerable(box)):
            message.box, message.carrier = Box.STEERING, turn
            return
        elif box.counted >= policy.cap:
            self._make_room(box, policy)
        self._place(message, policy)
        if box.room:
            self._pump(box)

    def _steerable(self, box: Mailbox) -> Message | None:
        return next((one for one in box.live if one.steerable and one.told is None), None)

    def _make_room(self, box: Mailbox, policy: MailboxPolicy) -> None:
        if box.room and box.head is not None:
            self._admit(box.head)
        excess = box.counted - policy.cap + 1
        if excess <= 0:
            return
        if policy.drop is Drop.NEW:
            raise Refused
        for victim in [one for one in box.having(*WAITS) if one.counted][:excess]:
            if policy.drop is Drop.SUMMARIZE and victim.spec.prompt is not None:
                box.lines.append((victim.number, one_line(victim.spec.prompt)))
                box.lines = sorted(box.lines)[-policy.cap :]
            self._end(victim, TaskState.CANCELLED, Reason.DROPPED)

    def _place(self, message: Message, policy: MailboxPolicy) -> None:
        box = message.box_of
        waiting, tail = box.having(*WAITS), box.tail
        message.mergeable = policy.mode is Mode.COLLECT
        message.counted = True
        if box.room:
            first = box.head.joined if box.head else self.now
            until = min(self.now + int(policy.debounce_s * 1000), first + longest_wait_ms(policy))
            quiet = until if policy.debounce_s > 0 and until > self.now else None
            if quiet is None and not waiting:
                message.box, message.counted = Box.ADMITTED, False
                return
            box.quiet = self.now if quiet is None else quiet
        message.box = Box.WAITING
        fits = tail is not None and tail.mergeable and tail.kin == message.kin and tail.number < message.number
        if message.mergeable and message.kin is not None and fits:
            message.box, message.carrier = Box.MERGED, tail

    # -- from message to message ----------------------------------------------------------------------------------
    def _pump(self, box: Mailbox) -> None:
        """Admit the first that waits, or find out until when it must stay quiet (SQ-21 to SQ-26)."""
        head, tail = box.head, box.tail
        if not box.room or head is None or tail is None:
            return
        debounce = int(box.policy.debounce_s * 1000)
        if box.quiet is None and self.now - head.joined < debounce:
            box.quiet = min(tail.joined + debounce, head.joined + longest_wait_ms(box.policy))
        if box.quiet is None or box.quiet <= self.now:
            self._admit(head)

    def _admit(self, message: Message) -> None:
        message.box, message.counted, message.box_of.quiet = Box.ADMITTED, False, None

    def _fit(self, box: Mailbox) -> None:
        """What has not started has no claim to a slot that is not there any more (SQ-15, SQ-71)."""
        held = [one for one in box.having(Box.ADMITTED) if not one.runs]
        for message in held[max(0, box.capacity - len(box.live)) :]:
            if message.state is TaskState.QUEUED:
                message.box = Box.WAITING
        self._pump(box)

    def _end(self, message: Message, state: TaskState, reason: Reason | None) -> None:
        """It leaves its place for good: what it carried goes on or ends with it, what waited for it as well."""
        box, stood, started = message.box_of, message.box, message.box is Box.ADMITTED
        message.state, message.reason, message.box, message.due = state, reason, Box.OUT, None
        if started:
            for rider in box.carried_by(message, Box.RIDING):
                self._end(rider, state, Reason.CARRIED if state is TaskState.CANCELLED else reason)
        heirs = box.carried_by(message, Box.MERGED)
        for merged in heirs:
            merged.carrier = None if merged is heirs[0] else heirs[0]
        if heirs:
            heirs[0].box = Box.WAITING
        if stood is not Box.OUT:
            self._pump(box)
        self._settle_children(message)

    def _settle_children(self, parent: Message) -> None:
        for child in list(self.messages.values()):
            mine = [edge for edge in child.after if edge[0] is parent]
            if child.state is not TaskState.BLOCKED or not mine:
                continue
            why = verdict(parent.state, parent.reason, mine[0][1])
            if why is not None:
                self._end(child, TaskState.CANCELLED, why)
                continue
            child.after.remove(mine[0])
            if not child.after:
                child.state, child.reason = TaskState.SCHEDULED, Reason.DELAY
                child.due = max(child.due or 0, self.now)

    # -- runs -----------------------------------------------------------------------------------------------------
    def ready(self) -> list[Message]:
        """What a claim may take, the most urgent first."""
        found = [
            one
            for box in self.boxes.values()
            for one in box.having(Box.ADMITTED)
            if one.state is TaskState.QUEUED and one.spec.queue not in self.paused
        ]
        return sorted(found, key=lambda one: (-one.spec.priority, one.number))

    def claim(self) -> Message | None:
        """Start what is first, if anything is; what is too late to start ends."""
        while (ready := self.ready()) and ready[0].expires is not None and not ready[0].fence:
            if ready[0].expires > self.now:
                break
            self._end(ready[0], TaskState.CANCELLED, Reason.EXPIRED)
        if not ready:
            return None
        message, box = ready[0], ready[0].box_of
        self.starts += 1
        message.state, message.reason, message.run = TaskState.RUNNING, None, self.starts
        message.fence += 1
        message.generation, message.steerable = box.generation, False
        for merged in box.carried_by(message, Box.MERGED):
            merged.box, merged.counted = Box.RIDING, False
        self._pump(box)
        return message

    def turn(self, message: Message) -> list[Message]:
        """The messages of a turn, in order."""
        return [message, *message.box_of.carried_by(message, Box.RIDING)]

    def finish(self, message: Message, outcome: Outcome, chance: float) -> Next:
        """End a run as the core decides; what the turn did not take waits again (OC-02)."""
        standing = Standing(message.attempt, message.fence, message.crashes, message.told)
        after = settle(message.spec, standing, outcome, chance)
        box = message.box_of
        for offered in box.carried_by(message, Box.STEERING):
            offered.box, offered.carrier, offered.counted = Box.WAITING, None, True
        message.attempt, message.crashes = after.attempt, after.crashes
        if after.state in TASK_TERMINAL:
            self._end(message, after.state, after.reason)
        else:
            message.state, message.reason = after.state, after.reason
            message.due = None if after.delay_s is None else self.now + int(after.delay_s * 1000)
            self._fit(box)
        return after

    def answer(self, message: Message, applied: bool) -> None:
        """The turn took a message that was offered to it, or could not."""
        if applied:
            message.box = Box.RIDING
        else:
            message.box, message.carrier, message.counted = Box.WAITING, None, True
            self._pump(message.box_of)

    def tell(self, message: Message, thread: str, tokens: int | None, window: int | None) -> None:
        """A turn tells of its conversation; one of an older generation tells nothing (SQ-50)."""
        box = message.box_of
        if message.generation == box.generation:
            box.thread = thread
            box.tokens = box.tokens if tokens is None else tokens
            box.window = box.window if window is None else window
        if tokens is not None:
            self._fit(box)

    # -- control --------------------------------------------------------------------------------------------------
    def cancel(self, message: Message, reason: Reason = Reason.REQUESTED, cause: StopCause = StopCause.CANCEL) -> None:
        """End what waits, ask what runs."""
        if message.runs:
            if message.told is None:
                message.told, message.reason = cause, Reason.CANCELLING
        elif not message.ended:
            self._end(message, TaskState.CANCELLED, reason)

    def stop_one(self, box: Mailbox) -> Message | None:
        """The oldest started run that nobody has asked yet (SQ-40, SQ-42)."""
        found = next((one for one in box.live if one.told is None), None)
        if found is not None:
            self.cancel(found)
        return found

    def stop_all(self, box: Mailbox) -> Stopped:
        """Nothing that was submitted before runs any more (SQ-43 to SQ-46)."""
        box.cutoff = self.numbers
        return self._sweep(box, Reason.REQUESTED, StopCause.CANCEL)

    def reset(self, box: Mailbox, discard: bool) -> Stopped:
        """A new generation (SQ-49, SQ-52)."""
        box.generation += 1
        box.thread = box.tokens = box.window = None
        if discard:
            return self._sweep(box, Reason.RESET, StopCause.RESET)
        running = [one for one in box.live if one.told is None]
        for message in running:
            self.cancel(message, Reason.RESET, StopCause.RESET)
        self._pump(box)
        return Stopped(len(running), 0)

    def set_policy(self, box: Mailbox, change: MailboxChange) -> None:
        """What fits by it starts, what runs is never cancelled (SQ-15, SQ-16)."""
        box.policy = changed(box.policy, change)
        self._fit(box)

    def remove(self, message: Message) -> None:
        """Forget what does not run."""
        if not message.ended:
            self._end(message, TaskState.CANCELLED, Reason.REQUESTED)
        message.box_of.messages.remove(message)
        del self.messages[message.id]

    def _sweep(self, box: Mailbox, reason: Reason, cause: StopCause) -> Stopped:
        """First what waits, then what runs; nothing is admitted in between (OC-09)."""
        box.quiet = None
        running = [one for one in box.live if one.told is None]
        waiting = [one for one in box.having(*WAITS, Box.STEERING, Box.ADMITTED) if not one.runs]
        for message in waiting:  # none of them takes another one's place on its way out
            message.box = Box.OUT if message.box is not Box.ADMITTED else Box.ADMITTED
        for message in waiting:
            self._end(message, TaskState.CANCELLED, reason)
        for message in running:
            self.cancel(message, reason, cause)
        return Stopped(len(running), len(waiting))

    # -- time -----------------------------------------------------------------------------------------------------
    def wake(self) -> None:
        """What is too late ends, what is due joins or goes on, and quiet times end."""
        while self._expire() | self._join() | self._hush():
            pass

    def _expire(self) -> bool:
        late = [one for one in self._open() if one.expires is not None and one.expires <= self.now]
        late = [one for one in late if not one.fence and one.box is not Box.RIDING]
        for message in sorted(late, key=lambda one: (one.expires, one.number)):
            if not message.ended:
                self._end(message, TaskState.CANCELLED, Reason.EXPIRED)
        return bool(late)

    def _join(self) -> bool:
        due = [one for one in self._open() if one.state is TaskState.SCHEDULED and (one.due or 0) <= self.now]
        for message in sorted(due, key=lambda one: (one.due, one.number)):
            box = message.box_of
            if message.state is not TaskState.SCHEDULED:
                continue
            if message.box is Box.ADMITTED:
                message.state, message.reason, message.due = TaskState.QUEUED, None, None
                self._fit(box)
            elif message.number <= box.cutoff:
                self._end(message, TaskState.CANCELLED, Reason.STALE)
            else:
                self._join_late(message)
        return bool(due)

    def _join_late(self, message: Message) -> None:
        try:
            self._arrive(message)
        except Refused:
            self._end(message, TaskState.CANCELLED, Reason.DROPPED)

    def _hush(self) -> bool:
        over = [box for box in self.boxes.values() if box.quiet is not None and box.quiet <= self.now]
        for box in sorted(over, key=lambda box: box.quiet or 0):
            box.quiet = None
            if box.room and box.head is not None:
                self._admit(box.head)
        return bool(over)

    def _open(self) -> Iterator[Message]:
        return (one for one in self.messages.values() if not one.ended)
