"""The part of a store's contract that a runner executes by: all that the engine asks while it runs things.

It can be asked from another host as well, over HTTP, so it is kept small: whatever writes for a run proves its fence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

import msgspec

from taxiway.core.account import Account
from taxiway.core.approval import Answered, Approval, Question
from taxiway.core.event import NewEvent
from taxiway.core.parent import Parent
from taxiway.core.providerlimit import ProviderLimit
from taxiway.core.readiness import Scope
from taxiway.core.run import Outcome, ProcessMark, Run, StopCause
from taxiway.core.session import Session, Signal
from taxiway.core.task import Task, TaskSpec, TaskState
from taxiway.core.tenant import DEFAULT_TENANT


class Runner(msgspec.Struct, frozen=True, kw_only=True):
    """A process that executes runs. ``token`` is the key that it works with through a server (by its id); ``None``: it
    has the store at hand."""

    id: str
    host: str
    boot_id: str
    pid: int
    slots: int
    scope: Scope = Scope()
    state: str = "live"
    beat: int = 0
    started_at: int = 0
    seen_at: int = 0
    token: str | None = None


class Message(msgspec.Struct, frozen=True):
    """One message of a turn, with where it came from."""

    task: str
    prompt: str
    metadata: dict[str, Any] = {}


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed run's place in its session: the conversation to go on with, and what the turn is made of.

    ``messages`` are the task's own and those that it carries, in order of submission; ``dropped`` one line each about
    what a full mailbox let go. ``process`` is the one that holds the conversation: the last that was opened for it,
    wherever; ``None`` after a reset, an archiving, or when it is gone. Any other knows an older state of it.

    ``forked``: the conversation began as another one, which its agent calls ``fork_thread``; until it has a ``thread``
    of its own it is begun so again.
    """

    session: str
    key: str
    generation: int
    thread: str | None = None
    process: str | None = None
    messages: tuple[Message, ...] = ()
    dropped: tuple[str, ...] = ()
    forked: bool = False
    fork_thread: str | None = None


class Claimed(msgspec.Struct, frozen=True):
    """A run that the claimer now owns, by its fence. ``watched``: its ``account`` wants to hear once it is answered.
    ``waited_ms``: since its task could have started (``None``: that is forgotten).
    ``token``: what the run may show the server that the claim came from."""

    run: str
    task: str
    spec: TaskSpec
    fence: int
    attempt: int
    project: str
    parents: tuple[Parent, ...] = ()
    seat: Seat | None = None
    account: str | None = None
    watched: bool = False
    tenant: str = DEFAULT_TENANT
    waited_ms: int | None = None
    token: str | None = None


class StopRequest(msgspec.Struct, frozen=True):
    """A live run of this runner that somebody wants ended."""

    run: str
    fence: int
    cause: StopCause


class Finished(msgspec.Struct, frozen=True):
    """What became of the task when its run ended; not ``applied``: the fence was stale, and nothing changed."""

    applied: bool
    state: TaskState | None = None
    reason: str | None = None
    due_at: int | None = None


class PendingSignal(msgspec.Struct, frozen=True):
    """An instruction for a live run of this runner that has not been settled."""

    id: str
    run: str
    fence: int
    kind: Signal
    text: str | None


class TurnFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a live turn tells of its session; ``None`` where it tells nothing. ``steerable``: from now on the run takes
    steers."""

    thread: str | None = None
    context_tokens: int | None = None
    context_window: int | None = None
    steerable: bool | None = None


class WarmProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A session's live process, as it is written down before it runs."""

    id: str
    session: str
    runner: str
    mark: ProcessMark
    opened_at: int = 0


class Resumed(msgspec.Struct, frozen=True):
    """A run that waited for a person and has its slots again, with the answers that it waited for (none, where it has
    withdrawn its questions)."""

    run: str
    fence: int
    answers: tuple[Answered, ...]


class ExecutionStore(Protocol):
    """What a runner needs of a store."""

    def of(self, tenant: str) -> Self:
        """The same store, whose verbs of people are one tenant's."""
        ...

    # -- a runner -------------------------------------------------------------------------------------------------
    async def register(self, runner: Runner) -> None:
        """Write down a new runner."""
        ...

    async def beat(self, runner: str) -> bool:
        """Renew the runner's lease; ``False`` when it has been declared dead."""
        ...

    async def retire(self, runner: str, state: str) -> bool:
        """Mark a runner ``draining``, or ``gone`` unless a run of it is live; whether it is so now."""
        ...

    async def claim(self, runner: str, scope: Scope, free: int) -> list[Claimed]:
        """Take up to ``free`` tasks in exact order; O(slots + open groups)."""
        ...

    # -- its runs -------------------------------------------------------------------------------------------------
    async def started(self, run: str, fence: int, mark: ProcessMark | None) -> StopCause | None:
        """Record the process before its program starts. Raises ``LeaseLost`` on a stale fence; answers a stop cause
        when the run must not start any more."""
        ...

    async def record(self, run: str, fence: int, batch: int, events: Sequence[NewEvent]) -> int:
        """Append events as batch number ``batch`` (1, 2, …): a repeated batch changes nothing, a stale fence raises
        ``LeaseLost``. The last event's number."""
        ...

    async def finish(self, run: str, fence: int, outcome: Outcome, chance: float) -> Finished:
        """End a run with its outcome: task moved, slots freed, dependents counted down; first writer wins (I12)."""
        ...

    async def stop_requests(self, runner: str) -> list[StopRequest]:
        """Live runs of a runner that somebody wants ended."""
        ...

    async def request_stop(self, run: str, fence: int, cause: StopCause) -> None:
        """Mark a live run as stopping for the runner's own cause."""
        ...

    async def runs(self, task: str) -> list[Run]:
        """Every run of a task, oldest first."""
        ...

    # -- turns of agents ------------------------------------------------------------------------------------------
    async def session(self, session: str, reader: str | None = None) -> Session:
        """One session; raises ``NotFound``."""
        ...

    async def earlier_turns(self, session: str, generation: int, limit: int) -> list[Task]:
        """The last messages that turns of this generation took and that have ended, in order of submission; before
        them those of the conversation that it began as, up to where the two parted."""
        ...

    async def tell_session(self, run: str, fence: int, facts: TurnFacts) -> None:
        """Store what a live turn tells of its session; a run of an older generation tells nothing (SQ-50)."""
        ...

    async def accounts(self) -> list[Account]:
        """Every account, by name."""
        ...

    async def signals(self, runner: str) -> list[PendingSignal]:
        """What live runs of a runner have been told and have not settled."""
        ...

    async def deliver_signal(self, run: str, fence: int, signal: str) -> None:
        """The run's agent has been given it, and has not answered yet. Raises ``LeaseLost``."""
        ...

    async def settle_signal(self, run: str, fence: int, signal: str, applied: bool, why: str | None) -> None:
        """The run took it, or could not: then its message waits in its old place (OC-01, OC-02)."""
        ...

    async def tell_account(self, run: str, fence: int, limit: ProviderLimit | None, chance: float) -> None:
        """A live run heard of its provider: a limit, or (``None``) an answer. Raises ``LeaseLost``."""
        ...

    async def ask(self, run: str, fence: int, question: Question) -> Approval:
        """Store a question of a live run. Pending: the run waits from now on, and its slots are free. Else what its
        rule says has been decided (``void``: the run is being stopped), and the run goes on. Raises ``LeaseLost``, and
        ``IllegalTransition`` while its process has not been recorded."""
        ...

    async def withdraw(self, run: str, fence: int, approval: str) -> None:
        """The run does not want to know any more. Raises ``LeaseLost``."""
        ...

    async def resume(self, runner: str, room: int) -> list[Resumed]:
        """Let up to ``room`` runs of a runner go on, first answered first: those with nothing open any more, for which
        their lanes and queues have room."""
        ...

    # -- processes that outlive their turns -----------------------------------------------------------------------
    async def opened_process(self, process: WarmProcess) -> None:
        """Write down a session's process before its program runs (I7): the conversation is held by it from now on.

        Raises ``LeaseLost`` when the runner has been declared dead: nobody would look after the process.
        """
        ...

    async def closed_process(self, process: str) -> None:
        """It is confirmed gone."""
        ...

    async def warm_processes(self, runner: str | None = None) -> list[WarmProcess]:
        """Processes of sessions that are not known to be gone."""
        ...

    async def outdated_processes(self, runner: str) -> list[str]:
        """Those of a runner that hold no conversation any more: it was reset or put away, or goes on in another
        process. What makes one so is hinted at by ``Topic.SIGNAL``."""
        ...
