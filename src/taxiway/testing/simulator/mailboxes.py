"""What sessions do, judged after every commit: no message is lost, order and limits hold, who may go is on its way.

Two pictures of each session, before and after a commit, and what the commit said of its messages. The rules are those
of the mailbox, and nothing is taken from the code that keeps it (SQ-01 to SQ-95, OC-01 to OC-09, I3, I5, I14, I15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from taxiway.core.policy import Box, Drop, Mode
from taxiway.core.session import Session
from taxiway.core.task import TASK_TERMINAL, Reason, Task, TaskState
from taxiway.testing.simulator.history import now

if TYPE_CHECKING:
    from taxiway.store.protocol import Claimed
    from taxiway.testing.simulator.history import Known
    from taxiway.testing.simulator.world import World

PAGE: Final = 500
LIVE: Final = (TaskState.RUNNING, TaskState.WAITING)
WAITS: Final = (Box.WAITING, Box.MERGED)
FULL: Final = 0.6  #: of a context window
#: Verbs that no mailbox sees anything of.
APART: Final = frozenset({"beat", "record", "register", "declare_lost", "retire", "started", "request_stop"})


class Picture:
    """A session and its open messages at one moment."""

    def __init__(self, session: Session, tasks: list[Task]) -> None:
        self.session = session
        self.tasks = {task.id: task for task in tasks}

    def having(self, *boxes: Box) -> list[Task]:
        """Messages in these places, in order."""
        return [task for task in self.tasks.values() if task.box in boxes]

    @property
    def capacity(self) -> int:
        """How many may go at once (SQ-07, SQ-70)."""
        found = self.session
        if found.agent is not None:
            return 1
        if found.context_tokens and found.context_window and found.context_tokens / found.context_window >= FULL:
            return 1
        return found.policy.max_concurrent

    @property
    def room(self) -> bool:
        """A slot is free, and nobody admitted is still to start (SQ-91)."""
        held = self.having(Box.ADMITTED)
        return len(held) < self.capacity and all(task.state is TaskState.RUNNING for task in held)


class Mailbox:
    """What the model keeps of a session: its picture, and when it was last stopped, reset and interrupted (commits)."""

    def __init__(self, picture: Picture) -> None:
        self.now = picture
        self.stopped = self.stopped_one = self.reset = self.discarded = self.interrupted = self.joined = -1
        self.threads: dict[int, str] = {}  # by generation: what the last turn told, and was told that it is kept


class Mailboxes:
    """The model of all sessions. ``carriers``: whose turn an ended message was a part of."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._boxes: dict[str, Mailbox] = {}
        self._home: dict[str, str] = {}  # message -> session
        self._born: dict[str, int] = {}  # message -> commit
        self._joined: dict[str, int] = {}
        self._runs: dict[str, tuple[str, int]] = {}  # run -> session and generation
        self._commit = 0
        self._verb = ""
        self._judged = False
        self._ended: list[Known] = []
        self._claimed: list[Known] = []
        self.carriers: dict[str, str] = {}

    # -- what History tells while it reads a commit ---------------------------------------------------------------
    def made(self, session: str) -> None:
        """A session is new, or has changed."""
        if session not in self._boxes:
            self._boxes[session] = Mailbox(self._look(session))

    def born(self, task: Task, state: TaskState) -> None:
        """A message was accepted."""
        if task.session is not None:
            self._home[task.id] = task.session
            self._born[task.id] = self._commit
            if state is TaskState.QUEUED:
                self._join(task)

    def moved(self, known: Known, old: TaskState, new: TaskState) -> None:
        """A task went from one state to another."""
        task = known.task
        if task.id not in self._home:
            return
        if new is TaskState.QUEUED and task.id not in self._joined:
            self._join(task)
        if new in TASK_TERMINAL and old not in TASK_TERMINAL:
            self._ended.append(known)
        if new is TaskState.RUNNING and old is TaskState.QUEUED:
            self._claimed.append(known)

    def _join(self, task: Task) -> None:
        box = self._boxes[self._home[task.id]]
        if self._born[task.id] < box.stopped:
            self._world.violate("I15", f"{task.id} joined its session after a stop of all that came behind it (SQ-45)")
        self._joined[task.id] = box.joined = self._commit
        change = task.spec.mailbox
        if (change.mode if change and change.mode else box.now.session.policy.mode) is Mode.INTERRUPT:
            box.interrupted = self._commit

    # -- what a verb is about to do, and did ----------------------------------------------------------------------
    def begins(self, verb: str, args: Any) -> None:
        """The next commit is this verb's."""
        self._verb, self._judged = verb, False
        box = self._boxes.get(args[0]) if args and isinstance(args[0], str) else None
        if box is None:
            return
        match verb:
            case "stop_session":
                box.stopped_one = self._commit
            case "stop_all_of_session":
                box.stopped = self._commit
            case "reset_session":
                box.reset = self._commit
                box.discarded = self._commit if args[1] else box.discarded
            case _:
                pass

    def over(self, args: Any, result: Any) -> None:
        """The verb has been answered: what it claimed goes on with the conversation as it was told."""
        verb = self._verb
        if not self._judged:
            self.judge()
        self._verb = ""
        if verb == "claim":
            for claim in result:
                self._seated(claim)
        elif verb == "tell_session" and args[0] in self._runs and args[2].thread is not None:
            session, generation = self._runs[args[0]]
            self._boxes[session].threads[generation] = args[2].thread
            self._conversation(session, args[0])
        elif verb == "finish" and args[0] in self._runs:
            self._conversation(self._runs[args[0]][0], args[0])

    def refused(self, session: str) -> None:
        """A message was refused because the mailbox is full: then it is (SQ-06, SQ-10)."""
        found = self._look(session)
        counted = sum(self._counted(task) for task in found.having(*WAITS))
        policy = found.session.policy
        if counted < policy.cap or policy.drop is not Drop.NEW:
            text = f"{counted} wait, {policy.cap} may, drop {policy.drop}"
            self._world.violate("I5", f"session {session} refused a message as full ({text})")

    def _seated(self, claim: Claimed) -> None:
        seat = claim.seat
        if seat is None:
            return
        self._runs[claim.run] = (seat.session, seat.generation)
        box = self._boxes[seat.session]
        kept = box.threads.get(seat.generation)
        if (seat.generation, seat.thread) != (box.now.session.generation, kept):
            text = f"goes on with {seat.thread} of generation {seat.generation}, and {kept} is the conversation"
            self._world.violate("I5", f"{claim.run} {text} (SQ-50)")

    # -- after a commit -------------------------------------------------------------------------------------------
    def judge(self) -> None:
        """Take a new picture of every session, and judge what has become of it."""
        self._judged = True
        if not self._boxes or self._verb in APART:
            return
        self._commit += 1
        ended, claimed, self._ended, self._claimed = self._ended, self._claimed, [], []
        for name, box in self._boxes.items():
            before, box.now = box.now, self._look(name)
            for task in before.having(Box.RIDING):
                self.carriers[task.id] = task.carrier or ""
            self._conserved(name, box)
            self._placed(box.now)
            self._in_order(before, box.now)
            self._on_its_way(name, box.now)
            self._quiet(name, before, box)
            mine = [known for known in claimed if self._home[known.task.id] == name]
            if mine:
                self._limits(name, box.now)
            for known in mine:
                if self._born[known.task.id] < box.stopped:
                    self._world.violate("I15", f"{known.task.id} began after a stop of all that it came before (SQ-45)")
            gone = [known for known in ended if self._home[known.task.id] == name]
            for known in gone:
                self._explained(known, box, before)
            if gone and all(known.reason == Reason.DROPPED for known in gone):
                self._full(name, before, box.now)

    def _conserved(self, name: str, box: Mailbox) -> None:
        """Accepted is waiting, admitted, carried, on its way to join, or ended: each message once (I5)."""
        history, gone = self._world.history, self._world.ledger.removed
        mine = (known for known in history.open_tasks() if self._home.get(known.task.id) == name)
        known, found = {one.task.id for one in mine}, set(box.now.tasks)
        if known - gone != found - gone:
            self._world.violate("I5", f"messages of {name} were lost or came up: {sorted(known ^ found)}")

    def _placed(self, picture: Picture) -> None:
        """Each stands where its state says, and what is carried has somebody who carries it."""
        for task in picture.tasks.values():
            match task.state:
                case TaskState.BLOCKED:
                    fits = task.box is Box.OUT
                case TaskState.SCHEDULED:
                    fits = task.box in (Box.OUT, Box.ADMITTED)
                case _ if task.state in LIVE:
                    fits = task.box is Box.ADMITTED
                case _:
                    fits = task.box is not Box.OUT
            carrier = picture.tasks.get(task.carrier or "")
            if task.box is Box.RIDING:
                fits = carrier is not None and carrier.box is Box.ADMITTED
            elif task.box is Box.MERGED:
                fits = carrier is not None and carrier.box in (Box.WAITING, Box.ADMITTED)
            elif task.box is Box.STEERING:
                fits = any(one.state in LIVE for one in picture.tasks.values())
            if not fits and not self._pages_left():
                self._world.violate("I5", f"{task.id} is {task.state} and {task.box.name}, carried by {task.carrier}")

    def _in_order(self, before: Picture, after: Picture) -> None:
        """Whoever is admitted was the first, and one at a time is admitted that has not started (SQ-03, SQ-91)."""
        young = [task for task in after.having(Box.ADMITTED) if task.state is TaskState.QUEUED and task.fence == 0]
        if len(young) > 1:
            self._world.violate("I3", f"{young[0].id} and {young[1].id} of one session are both to start")
        for task in after.having(Box.ADMITTED):
            was = before.tasks.get(task.id)
            if was is not None and was.box is Box.ADMITTED:
                continue
            for other in after.having(Box.WAITING):
                waited = other.id in before.tasks and before.tasks[other.id].box is not Box.OUT
                if waited and other.seq < task.seq:
                    self._world.violate("I5", f"{task.id} was admitted before {other.id}, which came first (SQ-03)")

    def _on_its_way(self, name: str, picture: Picture) -> None:
        """Where there is room and quiet, somebody is admitted (I14)."""
        waits = picture.room and picture.having(Box.WAITING) and picture.session.quiet_at is None
        if waits and not self._pages_left():
            self._world.violate("I14", f"messages wait in session {name}, which has room, and nobody admits them")

    def _quiet(self, name: str, before: Picture, box: Mailbox) -> None:
        """Only an arrival that is kept moves the end of the quiet time; room for one to go begins it (SQ-13, SQ-23)."""
        old, new = before.session.quiet_at, box.now.session.quiet_at
        if new is None or new == old or box.joined == self._commit - 1:
            return
        if old is not None or not box.now.room:
            self._world.violate("I5", f"session {name} waits until {new} instead of {old}, and nobody came (SQ-13)")

    def _limits(self, name: str, picture: Picture) -> None:
        """Where something has just started, no more run than may, in the store and in the world (I3, SQ-33)."""
        running = [task for task in picture.tasks.values() if task.state in LIVE]
        if len(running) > picture.capacity:
            self._world.violate("I3", f"{len(running)} run in session {name}, which takes {picture.capacity}")
        fit = {task.id for task in running}
        for task in [task for task in self._world.ledger.living if self._home.get(task) == name and task not in fit]:
            for life in self._world.ledger.left_of(task):
                self._world.violate("I3", f"session {name} goes on although a process of {life.run} still lives")

    def _full(self, name: str, before: Picture, after: Picture) -> None:
        """No more go than must: what waits afterwards, or has just been admitted, fills the mailbox (SQ-09, OC-06)."""
        waited = {task.id for task in before.having(*WAITS) if self._counted(task)}
        left = sum(self._counted(task) for task in after.tasks.values() if task.box in WAITS or task.id in waited)
        if left < after.session.policy.cap:
            text = f"{left} are left, and {after.session.policy.cap} may wait"
            self._world.violate("I5", f"session {name} dropped a message that had a place: {text} (SQ-06)")

    def _explained(self, known: Known, box: Mailbox, before: Picture) -> None:
        """An end has the cause that it names, and what is carried ends when and as its carrier does (I15)."""
        task, was = known.task.id, before.tasks.get(known.task.id)
        joined = self._joined.get(task, self._commit)
        if was is not None and was.box is Box.RIDING:
            good = self._state_of(was.carrier) is known.state
        elif known.state is not TaskState.CANCELLED:
            good = known.claims > 0
        else:
            match known.reason:
                case Reason.INTERRUPTED:
                    good = box.interrupted >= joined
                case Reason.RESET:
                    asked = box.reset if known.claims else box.discarded
                    good = asked >= joined or known.task.spec.queue.startswith("plan")
                case Reason.STALE:
                    good = box.stopped > self._born[task] and task not in self._joined
                case Reason.CARRIED:
                    good = False
                case _:
                    good = True
        if not good:
            where = "new" if was is None else was.box.name
            self._world.violate("I15", f"{task} ({where}) ended {known.state}/{known.reason}, and nothing caused that")

    def waiting(self) -> list[str]:
        """Messages that wait for their turn."""
        pictures = (box.now for box in self._boxes.values())
        return [
            task.id for picture in pictures for task in picture.tasks.values() if task.state is not TaskState.RUNNING
        ]

    def stopped(self, task: str) -> bool:
        """Whether a stop of its session, of one or of all, explains that it was cancelled on request."""
        box = self._boxes.get(self._home.get(task, ""))
        return box is not None and max(box.stopped, box.stopped_one) > self._born[task]

    def overdue(self, now_ms: int, most_s: float) -> str | None:
        """A session whose quiet time has been over for too long, and nobody woke it."""
        for name, box in self._boxes.items():
            quiet = box.now.session.quiet_at
            if quiet is not None and now_ms - quiet > most_s * 1000:
                return name
        return None

    # -- small questions ------------------------------------------------------------------------------------------
    def _conversation(self, session: str, run: str) -> None:
        """It is the one that its own generation told of last, whatever older turns say now (SQ-50)."""
        found = self._look(session).session
        if found.thread != self._boxes[session].threads.get(found.generation):
            text = f"{run} of generation {self._runs[run][1]} made {found.thread} the conversation"
            self._world.violate("I5", f"{text} of generation {found.generation} (SQ-50)")

    def _look(self, session: str) -> Picture:
        store = self._world.store
        return Picture(now(store.session(session)), now(store.session_tasks(session, PAGE, 0)))

    def _pages_left(self) -> bool:
        return now(self._world.store.next_due()) == 0

    def _state_of(self, task: str | None) -> TaskState | None:
        known = self._world.history.tasks.get(task or "")
        return None if known is None else known.state

    def _counted(self, task: Task) -> bool:
        return not task.spec.queue.startswith("plan")
